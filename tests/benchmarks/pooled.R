# A pooled zero-inflated negative binomial by maximum likelihood, timed after a first fit.
#   Rscript pooled.R program dyads.csv counts zeros
# prints seconds and log-likelihood; `counts` and `zeros` are the right sides of the formulas.

given <- commandArgs(TRUE)
program <- given[1]
suppressMessages(library(program, character.only = TRUE))
d <- read.csv(given[2])
counts <- paste("count ~", given[3], "+ offset(log_exposure)")
fit <- switch(program,
  pscl = function() {
    zeroinfl(as.formula(paste(counts, "|", given[4])), data = d, dist = "negbin")
  },
  glmmTMB = function() {
    glmmTMB(as.formula(counts), ziformula = as.formula(paste("~", given[4])), data = d,
            family = nbinom2)
  }
)
invisible(fit())
began <- proc.time()[["elapsed"]]
m <- fit()
cat(proc.time()[["elapsed"]] - began, format(as.numeric(logLik(m)), digits = 15))
