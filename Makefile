PYTHON ?= python3
VENV := .venv
DEV := .venv-dev
JARS := .jars
PIP := -m pip --disable-pip-version-check
LOCKED := install --quiet --require-hashes
JAVA := $(shell command -v java 2>/dev/null || ls "$(JAVA_HOME)/bin/java" 2>/dev/null)
ROOT ?= demo

.DEFAULT_GOAL := help
.PHONY: help run test test-core test-sail test-spark test-lines test-long e2e chaos lint lint-workflows lint-chain bench wheel image image-slim image-spark base-image wheelhouse image-emr emr-archive emr-stand-in version reproducible image-sizes image-archives lambdas deploy deploy-plan cloud cloud-down test-cloud pictures push jars schema lock clean

help: ## Show this help
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: $(VENV)/.ready ## Set up on first use, write a sample into ./demo, load it
	@test -d $(ROOT)/raw || $(VENV)/bin/lakehouse sample $(ROOT)
	@$(VENV)/bin/lakehouse run --root $(ROOT)

test: test-core test-sail test-spark ## Run all tests: without an engine, on Sail, and on classic Spark if Java is here

.NOTPARALLEL:
WORKERS ?= 2
# Processes side by side, each with an engine and an S3 server of its own; a file's tests stay together.
SIDE_BY_SIDE := -n $(WORKERS) --dist loadfile

test-core: $(DEV)/.ready ## Run the tests that need no engine
	$(DEV)/bin/python -m pytest $(SIDE_BY_SIDE) -m "not engine and not long and not e2e and not cloud"

test-sail: $(DEV)/.ready ## Run the engine tests on the embedded engine
	LAKEHOUSE_TEST_ENGINE=sail $(DEV)/bin/python -m pytest $(SIDE_BY_SIDE) -m "engine and not long"

CHOSEN ?= test
test-long: $(DEV)/.ready ## Run the tests that take minutes: a month of history, every crash of a resubmission, all pairs of crashes
	LAKEHOUSE_TEST_ENGINE=sail $(DEV)/bin/python -m pytest -m long -k "$(CHOSEN)"
ifneq ($(JAVA),)
	$(MAKE) jars
	LAKEHOUSE_TEST_ENGINE=spark $(DEV)/bin/python -m pytest -m "long and both" -k "$(CHOSEN)"
endif

e2e: image image-slim image-spark image-emr emr-archive wheelhouse $(LINE)/.ready ## Every target in real containers, killed once, equal to a run here (BASE_IMAGE, EMR_BASES)
	$(MAKE) image-emr EMR_RELEASE=emr-7.14.0
	$(LINE)/bin/python -m spark_app.engine.jars .jars-3.5
	EMR_BASES=$(EMR_BASES) $(DEV)/bin/python -m pytest -m e2e -rs

KILLS ?= 50
SEED ?= 1
ON ?= folders
chaos: $(DEV)/.ready ## Kill real runs at random moments (KILLS=50 SEED=1 ON=folders|s3), and compare what they left
	$(DEV)/bin/python -m tests.chaos $(KILLS) --seed $(SEED) --on $(ON)

ifeq ($(JAVA),)
test-spark: ## Run the chosen engine tests on classic Spark (needs Java 17 or 21)
	@echo "classic Spark was left out: no Java 17 or 21 was found (Debian: apt-get install openjdk-17-jre-headless)"
else
test-spark: $(JARS)/classes.jsa
	LAKEHOUSE_TEST_ENGINE=spark $(DEV)/bin/python -m pytest $(SIDE_BY_SIDE) -m "engine and not long"
endif

LINE := .venv-3.5
NOT_ON_LINE := tests/parity tests/e2e tests/catalog tests/chain tests/deploy tests/reporting/test_cloudwatch.py
ifeq ($(JAVA),)
test-lines: ## Run the chosen engine tests on the older Spark line, 3.5 (needs Java 17)
	@echo "Spark 3.5 was left out: no Java 17 was found"
else
test-lines: $(LINE)/.ready ## Run the chosen engine tests on the older Spark line, 3.5 (needs Java 17)
	$(LINE)/bin/python -m spark_app.engine.jars .jars-3.5
	LAKEHOUSE_TEST_ENGINE=spark LAKEHOUSE_JARS=$(CURDIR)/.jars-3.5 $(LINE)/bin/python -m pytest -m "engine and not long" $(addprefix --ignore=,$(NOT_ON_LINE))
endif

lint: $(DEV)/.ready ## Check style, types and the direction of imports
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports

lint-chain: $(DEV)/.ready ## Check the state machine and the template (needs npm for the second of three checks)
	$(DEV)/bin/statelint statemachine/lakehouse.asl.json
	npx --yes asl-validator@4.0.0 --json-path statemachine/lakehouse.asl.json
	$(DEV)/bin/cfn-lint template.yaml

ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
lint-workflows: ## Check the workflows (needs Go)
	go run $(ACTIONLINT)

bench: $(JARS)/classes.jsa ## Measure, and write docs/benchmarks.md (an hour and more)
	$(DEV)/bin/python -m benchmarks.run
	$(DEV)/bin/python -m benchmarks.upsert --engines sail spark
	$(DEV)/bin/python -m benchmarks.shapes

wheel: $(DEV)/.ready ## Build the wheel into dist/
	$(DEV)/bin/python $(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

IMAGE ?= lakehouse
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
BUILD := PYTHON=$(DEV)/bin/python IMAGE=$(IMAGE) VERSION=$(VERSION) docker/build.sh
image: wheel ## Build the image of the embedded engine, with Data Docs (BASE_IMAGE=… for another base)
	$(BUILD) embedded

image-slim: wheel ## Build it without Data Docs
	$(BUILD) slim

image-spark: wheel jars ## Build the image of classic Spark
	$(BUILD) spark

WHEEL := dist/lakehouse_loader-$(VERSION)-py3-none-any.whl
wheelhouse: wheel ## Pack the application for Glue 6.0 and 5.1 into dist/
	$(DEV)/bin/python glue/wheelhouse.py 6.0 $(WHEEL) dist
	$(DEV)/bin/python glue/wheelhouse.py 5.1 $(WHEEL) dist

EMR_RELEASE ?= emr-spark-8.1.0
EMR_BASES ?= public.ecr.aws/emr-serverless/spark/%:latest
EMR_BASE = $(subst %,$(EMR_RELEASE),$(EMR_BASES))
EMR = IMAGE=$(IMAGE) VERSION=$(VERSION) RELEASE=$(EMR_RELEASE) BUILD_IMAGE=$(BASE_IMAGE) BASE_IMAGE=$(EMR_BASE) emr/build.sh
image-emr: wheel ## Build the custom image of EMR Serverless (EMR_RELEASE=…; EMR_BASES=… for other bases), and hold it to AWS's rules
	@docker image inspect $(EMR_BASE) >/dev/null 2>&1 || docker pull --quiet $(EMR_BASE)
	$(EMR) image
	$(DEV)/bin/python emr/validate.py $(IMAGE)-emr:$(VERSION)-$(EMR_RELEASE) $(EMR_BASE)

emr-archive: wheel ## Pack the environment for spark.archives into dist/
	$(EMR) archive

emr-stand-in: jars ## Make a base that stands in for AWS's (EMR_RELEASE=…): then EMR_BASES=lakehouse-emr-base:%
	$(EMR) stand-in

version: ## Print the version
	@echo $(VERSION)

reproducible: $(DEV)/.ready ## Build the wheel twice, from two copies of the sources, and hold the bytes against each other
	@rm -rf dist/twice && mkdir -p dist/twice/a dist/twice/b
	@for copy in a b; do git archive HEAD | tar -x -C dist/twice/$$copy -m && sleep 1; \
	  (cd dist/twice/$$copy && $(CURDIR)/$(DEV)/bin/python $(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir ../$$copy.out .); done
	@cmp dist/twice/a.out/*.whl dist/twice/b.out/*.whl && cp dist/twice/a.out/*.whl dist/ && sha256sum dist/twice/a.out/*.whl | cut -d' ' -f1

image-sizes: ## Print what the images take, on disk and compressed
	@for name in $(IMAGE):$(VERSION) $(IMAGE):$(VERSION)-slim $(IMAGE):$(VERSION)-spark; do \
	  printf '%-28s %5d MB on disk %5d MB compressed\n' $$name $$(( $$(docker image inspect --format '{{.Size}}' $$name) / 1000000 )) \
	  $$(( $$(docker save $$name | gzip -6 | wc -c) / 1000000 )); done

image-archives: ## Write the images as files into dist/
	@for suffix in "" -slim -spark; do docker save $(IMAGE):$(VERSION)$$suffix | gzip -n >dist/$(IMAGE)-$(VERSION)$$suffix.tar.gz; done

lambdas: $(DEV)/.ready ## Pack the functions into dist/
	$(DEV)/bin/python -m deploy.lambdas dist

STACK ?= lakehouse
DEPLOY = $(DEV)/bin/python -m deploy --stack $(STACK) --artifacts $(ARTIFACTS) $(PARAMETERS)
deploy-plan: wheelhouse lambdas ## Upload to ARTIFACTS=BUCKET, and show what a deployment would change (PARAMETERS="NAME=VALUE …")
	$(DEPLOY) --plan

deploy: wheelhouse lambdas ## Upload, and carry template.yaml out as a change set
	$(DEPLOY)

CLOUD := .venv-cloud
cloud: $(CLOUD)/.ready jars ## Start the whole chain on this machine, without an account, and walk through it
	$(DEV)/bin/python -m local_cloud up --each-target

pictures: $(DEV)/.ready ## Draw the architecture, the state machine, and a walk through the local cloud, into docs/
	$(DEV)/bin/python -m deploy.graph
	$(DEV)/bin/python -m deploy.architecture
	$(DEV)/bin/python -m local_cloud up --picture docs/pictures/chain.svg
	$(DEV)/bin/python -m local_cloud down

cloud-down: ## End the local cloud, and remove what it kept
	$(DEV)/bin/python -m local_cloud down

test-cloud: $(CLOUD)/.ready $(DEV)/.ready jars ## Run the tests of the chain on the local cloud (needs Java for Glue and EMR)
	$(DEV)/bin/python -m pytest -m cloud -rs -vv

push: image image-emr ## Bring the images of the container and of EMR Serverless to REGISTRY=ACCOUNT.dkr.ecr.REGION.amazonaws.com
	docker tag $(IMAGE):$(VERSION) $(REGISTRY)/$(IMAGE):$(VERSION)
	docker push $(REGISTRY)/$(IMAGE):$(VERSION)
	docker tag $(IMAGE)-emr:$(VERSION)-$(EMR_RELEASE) $(REGISTRY)/$(IMAGE)-emr:$(VERSION)-$(EMR_RELEASE)
	docker push $(REGISTRY)/$(IMAGE)-emr:$(VERSION)-$(EMR_RELEASE)

base-image: ## Make a base for the images without a registry (Debian, as root): then BASE_IMAGE=lakehouse-base:local
	docker/local-base.sh lakehouse-base:local

jars: $(DEV)/.ready ## Bring the pinned jars of Delta and S3 for classic Spark into .jars/
	@$(DEV)/bin/python -m spark_app.engine.jars $(JARS)

$(JARS)/classes.jsa: $(DEV)/.ready spark_app/engine/jars.lock | jars
	@$(DEV)/bin/python -m spark_app.class_archive $(JARS)

schema: $(DEV)/.ready ## Write the contracts' JSON Schema and the table of expectation types into docs/
	@$(DEV)/bin/python -c 'from spark_app.quality.catalogue import as_markdown; print(as_markdown(), end="")' > docs/expectations.md
	@$(DEV)/bin/python -c 'import json; from spark_app.config.contracts import json_schema; print(json.dumps(json_schema(), indent=1))' > docs/contract.schema.json

UV := uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --universal --custom-compile-command "make lock"
lock: ## Resolve the locks anew (needs uv)
	for name in build archive local dev line-3.5 cloud lambdas; do $(UV) requirements/$$name.in -o requirements/$$name.txt; done
	for name in embedded spark; do $(UV) --constraints requirements/local.txt requirements/$$name.in -o requirements/$$name.txt; done
	for glue in 6.0:3.13 5.1:3.11; do $(subst --universal,--python-platform x86_64-manylinux_2_34 --only-binary :all:,$(subst --python-version 3.11,--python-version $${glue##*:},$(UV))) \
	  --extra docs --constraints glue/constraints-$${glue%%:*}.txt pyproject.toml -o glue/wheelhouse-$${glue%%:*}.txt; done

clean: ## Remove everything that make made
	rm -rf $(VENV) $(DEV) $(LINE) $(CLOUD) .venv-glue-* $(JARS) .jars-3.5 dist demo .hypothesis .mypy_cache .ruff_cache .import_linter_cache

$(VENV)/.ready: requirements/build.txt requirements/local.txt pyproject.toml
	@echo "setting up $(VENV) (about 200 MB of packages, once)"
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11 to 3.13 is needed; name one: make PYTHON=python3.11 …")'
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python $(PIP) $(LOCKED) -r requirements/build.txt
	@$(VENV)/bin/python $(PIP) $(LOCKED) --no-build-isolation -r requirements/local.txt
	@$(VENV)/bin/python $(PIP) install --quiet --no-deps --no-build-isolation -e .
	@$(VENV)/bin/python -m compileall -q spark_app
	@touch $@

$(LINE)/.ready: requirements/build.txt requirements/line-3.5.txt pyproject.toml
	@echo "setting up $(LINE) (Spark 3.5 and what its tests need: about 900 MB of packages, once)"
	@$(PYTHON) -m venv $(LINE)
	@$(LINE)/bin/python $(PIP) $(LOCKED) -r requirements/build.txt
	@$(LINE)/bin/python $(PIP) $(LOCKED) --no-build-isolation -r requirements/line-3.5.txt
	@$(LINE)/bin/python $(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(CLOUD)/.ready: requirements/cloud.txt
	@echo "setting up $(CLOUD) (the emulator of the local cloud: about 300 MB of packages, once)"
	@$(PYTHON) -m venv $(CLOUD)
	@$(CLOUD)/bin/python $(PIP) $(LOCKED) -r requirements/cloud.txt
	@touch $@

$(DEV)/.ready: requirements/build.txt requirements/dev.txt pyproject.toml
	@echo "setting up $(DEV) (both engines and the checks: about 700 MB of packages, once)"
	@$(PYTHON) -m venv $(DEV)
	@$(DEV)/bin/python $(PIP) $(LOCKED) -r requirements/build.txt
	@$(DEV)/bin/python $(PIP) $(LOCKED) --no-build-isolation -r requirements/dev.txt
	@$(DEV)/bin/python $(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@
