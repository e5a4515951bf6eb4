# Every target sets up what it needs first; `.ci/setup` skips what is done.
.DEFAULT_GOAL := help
.PHONY: help setup up demo picture unit test rehearsal generate check-generated types screenshots vendor bench simulate chaos lint check-style check-types check-layers check-console audit sbom deploy destroy

BIN := .venv/bin
# Many a container forbids Python to keep what it compiled: each process of a stack would compile all of it again.
unexport PYTHONDONTWRITEBYTECODE
# Options for `make up` and `make test`, such as ARGS="--port 9000" or ARGS="-k gateway".
ARGS ?=
# What each prints stays together where make can do that, from version 4.
TWO_AT_A_TIME := --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make the virtual environment, and install the locked dependencies and the emulators
	@.ci/setup

up: setup ## run the whole system on this machine; Ctrl-C ends it
	@exec $(BIN)/hub up $(ARGS)

demo: setup ## show how a wheel from CI becomes a READY provider, is upgraded, rolled back and uninstalled
	@exec $(BIN)/python -m local_stack.demo $(ARGS)

picture: setup ## make the picture of a demo that the README shows
	@exec $(BIN)/python -m local_stack.demo --svg docs/demo.svg

unit: setup ## run the tests that need no other process, in seconds
	@exec $(BIN)/python -m pytest tests/unit --hypothesis-profile quick --numprocesses 2 --dist loadfile $(ARGS)

test: setup ## run every test, and show how much of lib/ ran
	@exec $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(or $(ARGS),--cov --cov-report term)

rehearsal: setup ## run what Terraform would deploy, against stand-ins that enforce Google's rules
	@exec $(BIN)/python -m pytest tests/rehearsal $(ARGS)

types: ## check the console's JSDoc types with TypeScript; needs npm
	@mkdir -p .venv/types && cp .ci/types/package*.json .venv/types && \
		cmp -s .venv/types/package-lock.json .venv/types/installed || \
		{ npm ci --prefix .venv/types --ignore-scripts --no-audit --no-fund --silent && cp .venv/types/package-lock.json .venv/types/installed; }
	@.venv/types/node_modules/.bin/tsc --project console

screenshots: setup ## take the pictures of the console in docs/; ARGS="--all DIR" for every page at both sizes in both schemes
	@exec $(BIN)/python -m tests.browser.screenshots $(ARGS)

vendor: ## fetch the console's modules again, after you raised a version in console/vendor/vendor.json; needs npm
	@python3 .ci/vendor.py

bench: setup ## measure every path against a bare-minimum function on the same platform
	@exec $(BIN)/python -m tests.bench $(ARGS)

simulate: setup ## model a day of a million installations: which of Google's limits it reaches first, and its cost; ARGS="--help"
	@exec $(BIN)/python -m tests.simulate $(ARGS)

chaos: setup ## for ten minutes kill processes, pause the database and repeat messages; ARGS="--minutes 2"
	@exec $(BIN)/python -m local_stack.chaos $(ARGS)

lint: setup ## check style, format, types and import layers
	@$(MAKE) --no-print-directory $(TWO_AT_A_TIME) check-types check-style check-layers check-generated check-console

check-style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-types: setup
	$(BIN)/mypy

check-layers: setup
	$(BIN)/lint-imports

check-console:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory types; else echo "lint: without npm the console's types are not checked"; fi

generate: setup ## write what is made from the code and the lock: requirements, tables, pages
	$(BIN)/python -m terraform.tools.requirements
	$(BIN)/python -m terraform.tools.root
	$(BIN)/python -m terraform.tools.readme
	UPDATE=1 $(BIN)/python -m pytest -q tests/unit/test_generated_docs.py tests/unit/test_documents_page.py \
		tests/unit/test_cluster_models.py

check-generated: setup ## check that what `make generate` writes is up to date
	$(BIN)/python -m terraform.tools.requirements --check
	$(BIN)/python -m terraform.tools.root --check
	$(BIN)/python -m terraform.tools.readme --check

audit: setup ## list known vulnerabilities of the locked dependencies; needs the network, and fails for what it cannot look up
	@test -x .venv/audit/bin/pip-audit || { $(BIN)/python -m venv .venv/audit && \
		.venv/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.9.0; }
	@.venv/audit/bin/pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock $(ARGS)

sbom: setup ## print a bill of materials of the locked dependencies, as CycloneDX
	@$(BIN)/python -m terraform.tools.sbom

deploy: setup ## provision Google Cloud: make deploy PROJECT=… REGION=…
	@PROJECT="$(PROJECT)" REGION="$(REGION)" terraform/deploy.sh deploy

destroy: setup ## destroy what `make deploy` made: make destroy PROJECT=… REGION=…
	@PROJECT="$(PROJECT)" REGION="$(REGION)" terraform/deploy.sh destroy
