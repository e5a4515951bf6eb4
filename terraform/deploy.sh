#!/usr/bin/env bash
# From an empty Google Cloud project to a working Provider Hub, and back: `deploy.sh deploy` and `deploy.sh destroy`.
# CI has them in two: `deploy.sh plan` leaves plan.out and .build, and `deploy.sh apply` applies exactly those.
#
#   PROJECT, REGION      where (required)
#   NAME                 the environment, default hub; one state and one set of names each. No .tfvars file names it
#   VAR_FILE             a .tfvars file beside terraform.tfvars, which Terraform reads by itself
#   CUSTOMER_ISSUER, CONSOLE_ISSUER   the token issuers, where no .tfvars file gives the realms, and
#   CUSTOMER_PARTY, CONSOLE_PARTY     the application (`azp`) whose tokens are taken
#   OPERATOR             the IAM member that deploys, where it is not who plans
#   AUTO_APPROVE=1       apply the plan without asking; to destroy, DESTROY must then be the environment's name
#   ALLOW_LOSS           addresses of what a plan may destroy or replace although it holds data, separated by spaces
#   SKIP_PREFLIGHT=1     leave out the look at policies, quotas, regions and APIs
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

# What the script gives to every plan is in no .tfvars file: Terraform lets the command line win over terraform.tfvars, so
# that a name there would be ignored, and the names would be of one environment while the state is another's.
check_variable_files() {
  local file
  for file in "$here"/terraform.tfvars "$here"/*.auto.tfvars ${VAR_FILE:+"$VAR_FILE"}; do
    [[ -f $file ]] || continue
    if grep -qE '^[[:space:]]*(name|project|region|operator)[[:space:]]*=' "$file"; then
      fail "$file sets name, project, region or operator: take it out, and give NAME, PROJECT and REGION to this command"
    fi
  done
}

# What Terraform itself stands on: three services, and a private bucket for its state. Older states are kept for a while.
bootstrap() {
  local bucket=$PROJECT-terraform-state
  if ! gcloud storage buckets describe "gs://$bucket" --project "$PROJECT" >/dev/null 2>&1; then
    gcloud services enable cloudresourcemanager.googleapis.com serviceusage.googleapis.com storage.googleapis.com --project "$PROJECT"
    say "making the state bucket gs://$bucket"
    gcloud storage buckets create "gs://$bucket" --project "$PROJECT" --location "$REGION" \
      --uniform-bucket-level-access --public-access-prevention
  fi
  check_state_bucket "$bucket"
  terraform -chdir="$here" init -input=false -reconfigure \
    -backend-config="bucket=$bucket" -backend-config="prefix=provider-hub/$NAME"
}

# Anybody may take a bucket's name, and would then read and change our state. A run that was interrupted may have made the
# bucket and no more.
check_state_bucket() {
  local found owner versioned project
  found=$(gcloud storage buckets describe "gs://$1" --project "$PROJECT" --raw --format 'value(projectNumber,versioning.enabled)')
  project=$(gcloud projects describe "$PROJECT" --format 'value(projectNumber)')
  IFS=$'\t' read -r owner versioned <<<"$found"
  [[ $owner == "$project" ]] ||
    fail "gs://$1 is a bucket of project number ${owner:-unknown}, and $PROJECT is $project: have its owner give the name up, or deploy to another project"
  [[ $versioned == True ]] || gcloud storage buckets update "gs://$1" --versioning --lifecycle-file "$here/state-lifecycle.json"
}

# The variables of every plan, into the array `variables`.
collect_variables() {
  variables=()
  [[ -z ${VAR_FILE:-} ]] || variables+=(-var-file "$(realpath "$VAR_FILE")")
  variables+=(-var "project=$PROJECT" -var "region=$REGION" -var "name=$NAME" -var "operator=$(operator)")
  [[ -z ${CUSTOMER_ISSUER:-} ]] || variables+=(-var "customer_realm={issuer=\"$CUSTOMER_ISSUER\",parties=[\"${CUSTOMER_PARTY:-}\"]}")
  [[ -z ${CONSOLE_ISSUER:-} ]] || variables+=(-var "console_realm={issuer=\"$CONSOLE_ISSUER\",parties=[\"${CONSOLE_PARTY:-}\"]}")
}

operator() {
  if [[ -n ${OPERATOR:-} ]]; then
    echo "$OPERATOR"
    return
  fi
  local account
  account=$(gcloud config get-value account 2>/dev/null)
  case $account in
    principal://* | principalSet://*) echo "$account" ;; # an identity pool's, as CI has it
    *.gserviceaccount.com) echo "serviceAccount:$account" ;;
    *) echo "user:$account" ;;
  esac
}

preflight() {
  [[ ${SKIP_PREFLIGHT:-} != 1 ]] || return 0
  (cd "$root" && "$python" -m terraform.tools.preflight --project "$PROJECT" --region "$REGION" --name "$NAME" \
    ${VAR_FILE:+--var-file "$(realpath "$VAR_FILE")"})
}

make_plan() {
  (cd "$root" && "$python" -m terraform.tools.package)
  terraform -chdir="$here" plan -input=false -out=plan.out "$@" "${variables[@]}"
}

# The plan in plan.out loses nothing but what ALLOW_LOSS names, and opens no cell that is new.
guard_plan() {
  # shellcheck disable=SC2086 # several addresses
  terraform -chdir="$here" show -json plan.out |
    (cd "$root" && "$python" -m terraform.tools.plan guard --allow ${ALLOW_LOSS:-}) || fail "the plan was not applied"
}

# Roles in the clusters of cells that take organizations from this plan on. Without them an organization would be placed
# there for good, and all its installs would fail. Such a cell was closed before, so that its cluster is there.
grant_before_opening() {
  local endpoints
  endpoints=$(terraform -chdir="$here" show -json plan.out | (cd "$root" && "$python" -m terraform.tools.plan opened))
  # shellcheck disable=SC2086 # several endpoints
  [[ -z $endpoints ]] || grant_in_clusters $endpoints
}

approve() {
  [[ ${AUTO_APPROVE:-} != 1 ]] || return 0
  local answer
  read -r -p "deploy: apply this plan? [y/N] " answer || answer=n
  [[ $answer == y ]] || fail "nothing was changed"
}

# Some refusals pass: an index among many others, a grant or a metric that is not known everywhere yet. What was applied
# of a plan makes the rest of it stale, so that the second try has a plan of its own.
plan_and_apply() {
  make_plan "$@"
  guard_plan
  approve
  grant_before_opening
  if ! terraform -chdir="$here" apply -input=false plan.out; then
    say "the apply failed; one more try, with a new plan"
    make_plan "$@"
    guard_plan
    approve
    grant_before_opening
    terraform -chdir="$here" apply -input=false plan.out
  fi
  rm -f "$here/plan.out"
}

# One attribute of a Terraform output; "" where it is null.
output() {
  terraform -chdir="$here" output -json "$1" | "$python" -c \
    'import json, sys; value = json.load(sys.stdin); print((value[sys.argv[1]] if sys.argv[1:] else value) or "")' "${@:2}"
}

# A state of before the configuration was a module has other addresses. They move in a plan of their own, since Terraform
# moves nothing while it looks at a few targets alone.
move_addresses() {
  local state
  state=$(terraform -chdir="$here" state list 2>/dev/null) || return 0 # there is none yet
  if grep -qvE '^(module[.]hub[.]|data[.]|$)' <<<"$state"; then
    say "moving the state's addresses into the module"
    plan_and_apply -refresh-only
  fi
}

# What an image is built with: the registry, the account that builds and its grants, the bucket of the sources.
builder=(-target=module.hub.google_artifact_registry_repository.runtime -target=module.hub.google_storage_bucket.sources
  -target=module.hub.time_sleep.builder_grants)

# Runs between two applies. The first one makes the builder; only the second makes functions refer to the image, so that
# no pod is ever asked to run an image that is not there yet.
build_image() {
  local image=$1 said
  if [[ -z $image ]] || said=$(gcloud artifacts docker images describe "$image" 2>&1 >/dev/null); then
    return
  fi
  # Its tag is immutable: an image that is there and could not be looked up cannot be built once more.
  grep -qiE 'image not found|NOT_FOUND' <<<"$said" || fail "could not look up the image $image: $said"
  say "building $image"
  gcloud builds submit "$root/lib/pragma_runtime" --project "$PROJECT" --region "$REGION" \
    --config "$here/runtime-image.yaml" --service-account "$(output build service_account)" \
    --gcs-source-staging-dir "gs://$(output build bucket)/runtime-image" \
    --substitutions "_IMAGE=$image${BASE_IMAGE:+,_BASE_IMAGE=$BASE_IMAGE}"
}

# What the functions may do in the clusters at these endpoints, or in that of each cell. Whoever deploys needs the rights
# of a cluster's administrator for this; the token lies in a file that only this user reads, and not on a command line.
grant_in_clusters() {
  local access endpoint endpoints=$*
  access=$(terraform -chdir="$here" output -json cluster_access)
  [[ $access != null ]] || return 0
  command -v kubectl >/dev/null || fail 'kubectl is not on the PATH: install it, or set cluster = { access = "iam" }'
  [[ -n $endpoints ]] || endpoints=$(terraform -chdir="$here" output -json cells |
    "$python" -c 'import json, sys; print(*(cell["endpoint"] for cell in json.load(sys.stdin).values()))')
  work=${work:-$(mktemp -d)}
  trap 'rm -rf "$work"' EXIT
  for endpoint in $endpoints; do
    grant_in_cluster "$endpoint" "$access"
  done
}

grant_in_cluster() {
  (umask 077 && cat >"$work/kubeconfig" <<KUBECONFIG
{"apiVersion": "v1", "kind": "Config", "current-context": "hub",
 "contexts": [{"name": "hub", "context": {"cluster": "hub", "user": "deployer"}}],
 "clusters": [{"name": "hub", "cluster": {"server": "https://$1"}}],
 "users": [{"name": "deployer", "user": {"token": "$(gcloud auth print-access-token)"}}]}
KUBECONFIG
  )
  (cd "$root" && "$python" -m terraform.tools.rbac <<<"$2") |
    kubectl --kubeconfig "$work/kubeconfig" apply --server-side --force-conflicts --field-manager=provider-hub-deploy -f -
}

smoke_test() {
  local version wheel object url
  work=${work:-$(mktemp -d)}
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

prepare() {
  check_inputs "$1"
  check_variable_files
}

deploy() {
  prepare deploy
  check_realms
  check_smoke_inputs
  bootstrap
  preflight
  collect_variables
  move_addresses
  plan_and_apply "${builder[@]}"
  build_image "$(output build image)"
  plan_and_apply
  grant_in_clusters
  if [[ ${SKIP_SMOKE:-} != 1 ]]; then
    smoke_test
  fi
  say "the API is at $(output api_url), its address is $(output address)"
}

# For CI: what is looked at before a merge. The zips lie in .build, which the plan refers to, and go where it goes.
plan() {
  prepare plan
  check_realms
  bootstrap
  preflight
  collect_variables
  make_plan
  guard_plan
}

# Applies what `plan` left, after the image that it refers to is there. A first deployment, which has no builder yet, is
# made by `deploy`.
apply() {
  prepare apply
  [[ -f $here/plan.out ]] || fail "there is no plan.out: run $0 plan, and bring its plan.out and .build here"
  bootstrap
  guard_plan
  build_image "$(terraform -chdir="$here" show -json plan.out | (cd "$root" && "$python" -m terraform.tools.plan output build image))"
  grant_before_opening
  terraform -chdir="$here" apply -input=false plan.out
  rm -f "$here/plan.out"
  grant_in_clusters
}

confirm_destroy() {
  local answer=${DESTROY:-}
  if [[ ${AUTO_APPROVE:-} != 1 ]]; then
    read -r -p "deploy: type the environment's name to destroy it with all its data: " answer || answer=
  fi
  [[ $answer == "$NAME" ]] || fail "nothing was destroyed: DESTROY=$NAME, or typing $NAME, confirms it"
}

# The addresses in the state that match a pattern, into the array `addresses`; what Terraform only reads is left out.
collect_addresses() {
  local state
  state=$(terraform -chdir="$here" state list)
  mapfile -t addresses < <(grep -E "(^|[.])$1" <<<"$state" | grep -vE '(^|[.])data[.]')
}

# Only what refuses its deletion is changed, and only what is still there. A plan of everything would make again what a
# destruction that was interrupted has destroyed.
lift_protection() {
  collect_addresses '(google_firestore_database[.]|google_container_cluster[.]|google_storage_bucket[.]artifacts)'
  [[ ${#addresses[@]} == 0 ]] || plan_and_apply "${addresses[@]/#/-target=}"
}

# Firestore puts a deleted field's or index's default back: it would index all data, to delete it a moment later.
forget_indexes() {
  collect_addresses 'google_firestore_(field|index)[.]'
  [[ ${#addresses[@]} == 0 ]] || terraform -chdir="$here" state rm "${addresses[@]}"
}

# Google refuses some deletions only for a while, so this is tried twice.
destroy_what_is_left() {
  make_plan -destroy
  if ! terraform -chdir="$here" apply -input=false plan.out; then
    say "the destruction failed; one more try, with a new plan"
    make_plan -destroy
    terraform -chdir="$here" apply -input=false plan.out ||
      fail "something is left: run the same command again, which goes on from here. Deploy nothing before it has ended: the state has no indexes any more"
  fi
  rm -f "$here/plan.out"
}

# Asks once, of a plan that nobody applies: until then nothing is changed, the state included.
destroy() {
  prepare destroy
  confirm_destroy
  bootstrap
  collect_variables
  variables+=(-var deletion_protection=false)
  say "taking $NAME down in $PROJECT, its database included; the daily and weekly backups stay until they expire"
  make_plan -destroy
  rm -f "$here/plan.out"
  approve
  AUTO_APPROVE=1 # the plans below are parts of the one that was approved
  move_addresses
  lift_protection
  forget_indexes
  destroy_what_is_left
}

case ${1:-} in
  deploy | destroy | plan | apply) "$1" ;;
  *) fail "usage: PROJECT=my-project REGION=europe-west1 $0 deploy|destroy|plan|apply" ;;
esac
