#!/usr/bin/env bash
# From an empty Google Cloud project to a working Provider Hub, and back: `deploy.sh deploy` and `deploy.sh destroy`.
#
#   PROJECT, REGION      where (required)
#   NAME                 the environment, default hub; one state and one set of names each
#   VAR_FILE             a .tfvars file beside terraform.tfvars, which Terraform reads by itself
#   CUSTOMER_ISSUER, CONSOLE_ISSUER   the token issuers, where no .tfvars file gives the realms, and
#   CUSTOMER_PARTY, CONSOLE_PARTY     the application (`azp`) whose tokens are taken
#   AUTO_APPROVE=1       apply the plan without asking
#   BASE_IMAGE           what the runtime image is built on; by digest, or a tag that is looked up at the build
#   HUB_TOKEN_COMMAND    prints a token of the customer realm, for the smoke test; or HUB_TOKEN, a token that lasts
#   SKIP_SMOKE=1         leave the smoke test out
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
python=${PYTHON:-$root/.venv/bin/python}
NAME=${NAME:-hub}

fail() {
  echo "deploy: $*" >&2
  exit 1
}

say() {
  echo "deploy: $*"
}

check_inputs() {
  [[ -n ${PROJECT:-} && -n ${REGION:-} ]] || fail "say where: make ${1} PROJECT=my-project REGION=europe-west1"
  local tool
  for tool in gcloud terraform; do
    command -v "$tool" >/dev/null || fail "$tool is not on the PATH: install it first"
  done
  gcloud auth print-access-token >/dev/null 2>&1 || fail "gcloud has no credentials: gcloud auth login && gcloud auth application-default login"
}

check_realms() {
  [[ -z ${CUSTOMER_ISSUER:-} || -n ${CUSTOMER_PARTY:-} ]] || fail "CUSTOMER_ISSUER needs CUSTOMER_PARTY: whose tokens (azp) are taken"
  [[ -z ${CONSOLE_ISSUER:-} || -n ${CONSOLE_PARTY:-} ]] || fail "CONSOLE_ISSUER needs CONSOLE_PARTY: whose tokens (azp) are taken"
}

check_smoke_inputs() {
  [[ ${SKIP_SMOKE:-} == 1 || -n ${HUB_TOKEN_COMMAND:-}${HUB_TOKEN:-} ]] ||
    fail "the smoke test publishes as a tenant: set HUB_TOKEN_COMMAND to a command that prints a customer token, or SKIP_SMOKE=1"
}

# What Terraform itself stands on: two services, and a private bucket for its state.
bootstrap() {
  local bucket=$PROJECT-terraform-state
  gcloud services enable cloudresourcemanager.googleapis.com serviceusage.googleapis.com storage.googleapis.com --project "$PROJECT"
  if ! gcloud storage buckets describe "gs://$bucket" --project "$PROJECT" >/dev/null 2>&1; then
    say "making the state bucket gs://$bucket"
    gcloud storage buckets create "gs://$bucket" --project "$PROJECT" --location "$REGION" \
      --uniform-bucket-level-access --public-access-prevention
    gcloud storage buckets update "gs://$bucket" --versioning
  fi
  terraform -chdir="$here" init -input=false -reconfigure \
    -backend-config="bucket=$bucket" -backend-config="prefix=provider-hub/$NAME"
}

# The variables of every plan, into the array `variables`.
collect_variables() {
  variables=(-var "project=$PROJECT" -var "region=$REGION" -var "name=$NAME" -var "operators=[\"$(operator)\"]")
  [[ -z ${VAR_FILE:-} ]] || variables+=(-var-file "$(realpath "$VAR_FILE")")
  [[ -z ${CUSTOMER_ISSUER:-} ]] || variables+=(-var "customer_realm={issuer=\"$CUSTOMER_ISSUER\",parties=[\"${CUSTOMER_PARTY:-}\"]}")
  [[ -z ${CONSOLE_ISSUER:-} ]] || variables+=(-var "console_realm={issuer=\"$CONSOLE_ISSUER\",parties=[\"${CONSOLE_PARTY:-}\"]}")
}

operator() {
  local account
  account=$(gcloud config get-value account 2>/dev/null)
  if [[ $account == *.gserviceaccount.com ]]; then echo "serviceAccount:$account"; else echo "user:$account"; fi
}

plan_and_apply() {
  (cd "$root" && "$python" -m terraform.tools.package)
  terraform -chdir="$here" plan -input=false -out=plan.out "$@" "${variables[@]}"
  if [[ ${AUTO_APPROVE:-} != 1 ]]; then
    local answer
    read -r -p "deploy: apply this plan? [y/N] " answer || answer=n
    [[ $answer == y ]] || fail "nothing was changed"
  fi
  terraform -chdir="$here" apply -input=false plan.out
  rm -f "$here/plan.out"
}

# One attribute of a Terraform output; "" where it is null.
output() {
  terraform -chdir="$here" output -json "$1" | "$python" -c \
    'import json, sys; value = json.load(sys.stdin); print((value[sys.argv[1]] if sys.argv[1:] else value) or "")' "${@:2}"
}

# What an image is built with: the registry, the account that builds and its grants, the bucket of the sources.
builder=(-target=google_artifact_registry_repository.runtime -target=google_storage_bucket.sources -target=time_sleep.builder_grants)

# Runs between two applies. The first one makes the builder; only the second makes functions refer to the image, so that
# no pod is ever asked to run an image that is not there yet.
build_image() {
  local image
  image=$(output build image)
  if [[ -z $image ]] || gcloud artifacts docker images describe "$image" >/dev/null 2>&1; then
    return
  fi
  say "building $image"
  gcloud builds submit "$root/lib/pragma_runtime" --project "$PROJECT" --region "$REGION" \
    --config "$here/runtime-image.yaml" --service-account "$(output build service_account)" \
    --gcs-source-staging-dir "gs://$(output build bucket)/runtime-image" \
    --substitutions "_IMAGE=$image${BASE_IMAGE:+,_BASE_IMAGE=$BASE_IMAGE}"
}

smoke_test() {
  local work version wheel object url
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  version=1.0.$(date +%s) # versions are immutable: every run publishes one of its own
  wheel=$(cd "$root" && "$python" -m local_stack.sample_wheels "$version" "$work")
  object=gs://$(output samples bucket)/$(basename "$wheel")
  gcloud storage cp "$wheel" "$object"
  url=$(gcloud storage sign-url "$object" --duration 1h --region "$REGION" \
    --impersonate-service-account "$(output samples service_account)" --format 'value(signed_url)')
  (cd "$root" && "$python" -m terraform.tools.smoke --url "$(output api_url)" --version "$version" --wheel-url "$url" \
    --sha256 "$(sha256sum "$wheel" | cut -d ' ' -f 1)")
}

deploy() {
  check_inputs deploy
  check_realms
  check_smoke_inputs
  bootstrap
  collect_variables
  plan_and_apply "${builder[@]}"
  build_image
  plan_and_apply
  if [[ ${SKIP_SMOKE:-} != 1 ]]; then
    smoke_test
  fi
  say "the API is at $(output api_url), its address is $(output address)"
}

destroy() {
  check_inputs destroy
  check_realms
  bootstrap
  collect_variables
  say "taking $NAME down in $PROJECT, its database included; the daily and weekly backups stay until they expire"
  plan_and_apply -var deletion_protection=false
  plan_and_apply -destroy -var deletion_protection=false
}

case ${1:-} in
  deploy | destroy) "$1" ;;
  *) fail "usage: PROJECT=my-project REGION=europe-west1 $0 deploy|destroy" ;;
esac
