# Everything is installed into this folder: uv in .tools/, the environment in .venv/.
# Variables are given behind the target: make sample STUDY=data/guangdong MODEL=zinb_srm

STUDY   ?= data/guangdong
MODEL   ?=
PRIORS  ?= default
SEED    ?= 20221
DRAWS   ?= 1000
TUNE    ?= 1000
CHAINS  ?= 4
TARGET_ACCEPT ?= 0.8
SAMPLER ?= nutpie
RESULTS ?= results
BACKEND ?= matplotlib
FORCE   ?=
ML      ?=
SE      ?=
PRIOR_ONLY ?=
UNITS   ?= dyad pair city
NO_REFITS ?=
ERRORS  ?= jackknife
PERMUTATIONS ?= 999
CITIES  ?= 40
REPLICATES ?= 200
SCHEDULER ?=
OUT     ?= results/simulated
FROM    ?=
OUTCOME ?=
TITLE   ?=

# What is given reaches a command by the environment, as it was written: neither make nor the shell
# reads it.
VARIABLES := STUDY MODEL PRIORS SEED DRAWS TUNE CHAINS TARGET_ACCEPT SAMPLER RESULTS BACKEND UNITS \
	ERRORS PERMUTATIONS CITIES REPLICATES SCHEDULER OUT FROM OUTCOME TITLE FORCE ML SE PRIOR_ONLY NO_REFITS
GIVEN := $(foreach v,$(VARIABLES),$(if $(filter-out file,$(origin $v)),$v))
$(foreach v,$(VARIABLES),$(eval override $v := $$(value $v)))
export $(VARIABLES)

PYTHON  ?= python3
UV_VERSION := 0.13.9
UV      := .tools/bin/uv
RUN     := .venv/bin
READY   := .venv/.ready

unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help new sample mle compare sensitivity table figures report notebook priors simulate sbc bench data test check lint format lock clean

help: ## list what can be made
	@echo 'usage: make TARGET [VARIABLE=value ...]'
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-14s%s\n", $$1, $$2}'
	@echo
	@echo 'variables of make sample, with their defaults:'
	@echo "  STUDY=$$STUDY  a folder with a study.toml"
	@echo '  MODEL=                one model or several ("zinb_srm nb_srm"); all that the study names'
	@echo "  PRIORS=$$PRIORS        a prior set (make priors lists them) or a .toml file"
	@echo "  SEED=$$SEED DRAWS=$$DRAWS TUNE=$$TUNE CHAINS=$$CHAINS TARGET_ACCEPT=$$TARGET_ACCEPT RESULTS=$$RESULTS"
	@echo "  SAMPLER=$$SAMPLER        nutpie, pymc or numpyro (on a GPU where there is one)"
	@echo '  FORCE=1               sample again, though nothing has changed; also of make compare, sbc, bench'
	@echo '  PRIOR_ONLY=1          show what the priors expect, sample nothing'
	@echo "  BACKEND=$$BACKEND    of make figures; or plotly: pages to look into with a mouse"

new: $(READY) ## make a study folder from files: FROM=edges.csv CITIES=towns.csv OUT=folder OUTCOME=letters
	@$(RUN)/interlocal new $(if $(filter OUT,$(GIVEN)),"$$OUT",studies/new) --from "$$FROM" \
		--cities $(if $(filter CITIES,$(GIVEN)),"$$CITIES","") --outcome "$$OUTCOME" --title "$$TITLE"

sample: $(READY) ## sample the models of a study, check the draws and summarise them
	@$(RUN)/interlocal sample "$$STUDY" --model "$$MODEL" --priors "$$PRIORS" --seed "$$SEED" \
		--draws "$$DRAWS" --tune "$$TUNE" --chains "$$CHAINS" \
		--target-accept "$$TARGET_ACCEPT" --sampler "$$SAMPLER" \
		--results "$$RESULTS" $(if $(FORCE),--force) \
		$(if $(PRIOR_ONLY),--prior-only)

mle: $(READY) ## fit the pooled models by maximum likelihood: ERRORS=jackknife PERMUTATIONS=999
	@$(RUN)/interlocal mle "$$STUDY" --model "$$MODEL" --errors "$$ERRORS" \
		--permutations "$$PERMUTATIONS" --seed "$$SEED" --results "$$RESULTS" $(if $(FORCE),--force)

compare: $(READY) ## compare the fits by dyad, pair and city: UNITS="dyad pair city" NO_REFITS=1 SCHEDULER=tcp://host:port
	@$(RUN)/interlocal compare "$$STUDY" --model "$$MODEL" --priors "$$PRIORS" --unit "$$UNITS" \
		--scheduler "$$SCHEDULER" --results "$$RESULTS" $(if $(NO_REFITS),--no-refits) \
		$(if $(FORCE),--force)

sensitivity: $(READY) ## hold the hypotheses against every prior set: PRIORS="default wide"; all by default
	@$(RUN)/interlocal sensitivity "$$STUDY" --model "$$MODEL" \
		--priors $(if $(filter PRIORS,$(GIVEN)),"$$PRIORS",'') --seed "$$SEED" \
		--draws "$$DRAWS" --tune "$$TUNE" --chains "$$CHAINS" \
		--target-accept "$$TARGET_ACCEPT" --sampler "$$SAMPLER" --results "$$RESULTS"

table: $(READY) ## put models side by side as a paper prints them: ML=1, SE=1 for errors, not intervals
	@$(RUN)/interlocal table "$$STUDY" --model "$$MODEL" --priors "$$PRIORS" \
		$(if $(ML),--ml) $(if $(SE),--errors) --results "$$RESULTS"

figures: $(READY) ## draw every figure of the fits that make sample has made: BACKEND=plotly for pages
	@$(RUN)/interlocal figures "$$STUDY" --model "$$MODEL" --priors "$$PRIORS" \
		--backend "$$BACKEND" --results "$$RESULTS"

report: $(READY) ## write everything that is known of the study as one page: results/<study>/report.html
	@$(RUN)/interlocal report "$$STUDY" --model "$$MODEL" --priors "$$PRIORS" --results "$$RESULTS"

notebook: $(READY) ## open the notebooks, which read what make sample has made
	@$(RUN)/jupyter lab analysis/notebooks

priors: $(READY) ## list the prior sets, and every prior in force for the study
	@$(RUN)/interlocal priors
	@$(RUN)/interlocal priors "$$STUDY" --model "$$MODEL" --priors "$$PRIORS"

simulate: $(READY) ## make a study with known truth: OUT=folder CITIES=40 MODEL=zinb_srm SEED=1
	@$(RUN)/interlocal simulate --out "$$OUT" --cities "$$CITIES" --model "$${MODEL:-zinb_srm}" --seed "$$SEED"

sbc: $(READY) ## calibrate a model by simulation: MODEL=zinb_srm REPLICATES=200 SCHEDULER=tcp://host:port
	@$(RUN)/interlocal sbc --model "$$MODEL" --replicates "$$REPLICATES" --seed "$$SEED" \
		--cities $(if $(filter CITIES,$(GIVEN)),"$$CITIES",12) \
		--priors $(if $(filter PRIORS,$(GIVEN)),"$$PRIORS",calibration) \
		--draws "$$DRAWS" --tune "$$TUNE" --chains "$$CHAINS" --target-accept "$$TARGET_ACCEPT" \
		--scheduler "$$SCHEDULER" --results "$$RESULTS"

bench: $(READY) ## time ours beside PyMC, numpyro, Bambi, brms; statsmodels, pscl, glmmTMB: CITIES="21 60"
	@$(RUN)/python tests/benchmarks/sampling.py --results "$$RESULTS/benchmarks" \
		$(if $(filter CITIES,$(GIVEN)),--cities $$CITIES) $(if $(FORCE),--force)
	@$(RUN)/python tests/benchmarks/maximum_likelihood.py \
		--output "$$RESULTS/benchmarks/maximum_likelihood.md"

data: $(READY) ## rebuild data/guangdong/dyads.csv, the same bytes each time
	@$(RUN)/python -m models.simulation.guangdong

test: $(READY) ## run the tests (those that need ../shared are skipped without it)
	@$(RUN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: lint ## what to run before a commit: lint and the quick tests
	@$(RUN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m 'not slow'

lint: $(READY) ## check style, types and docstrings
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports --no-cache

format: $(READY) ## rewrite the code in the common style
	@$(RUN)/ruff check --fix .
	@$(RUN)/ruff format .

lock: $(UV) ## pin the newest versions that pyproject.toml admits
	@$(UV) pip compile pyproject.toml --group dev --group bench --extra numpyro --extra plotly --universal --python-version 3.12 --upgrade \
		--generate-hashes --no-emit-index-url --no-annotate --no-header --quiet \
		--output-file requirements.lock

clean: ## remove the environment and caches; results stay
	rm -rf .venv .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find data models analysis tests -name __pycache__ -type d -exec rm -rf {} +

# An own uv: one found on PATH may be another version, or a shim that fails.
$(UV):
	@echo 'installing uv into .tools/'
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || \
		{ echo 'error: $(PYTHON) has no pip; install it (on Debian: apt-get install python3-pip)' >&2; exit 1; }
	@$(PYTHON) -m pip install -qq --disable-pip-version-check --upgrade --target .tools 'uv==$(UV_VERSION)'
	@touch $@

$(READY): requirements.lock .python-version pyproject.toml | $(UV)
	@echo 'installing the locked environment into .venv/'
	@$(UV) venv --quiet --allow-existing --python "$$(cat .python-version)" .venv
	@$(UV) pip sync --quiet --python $(RUN)/python --require-hashes --compile-bytecode requirements.lock
	@$(UV) pip install --quiet --python $(RUN)/python --no-deps --no-build-isolation --no-index --editable .
	@touch $@
