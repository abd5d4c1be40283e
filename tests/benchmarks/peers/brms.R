# The crossed model by brms, under the priors of interlocal's set `default`.
#   Rscript brms.R dyads.csv draws.csv run.json draws tune chains cores seed target_accept

suppressMessages(library(brms))
# Debian's package BH is empty: Boost lies where the compiler looks for headers
if (rstan::rstan_options("boost_lib") == "") rstan::rstan_options(boost_lib = "/usr/include")

given <- commandArgs(TRUE)
numbers <- as.numeric(given[4:9])
names(numbers) <- c("draws", "tune", "chains", "cores", "seed", "target_accept")
dyads <- read.csv(given[1])

right <- paste(c(setdiff(names(dyads), c("sender", "receiver", "count")),
                 "(1 | sender)", "(1 | receiver)"), collapse = " + ")
formula <- bf(as.formula(paste("count ~", right)), as.formula(paste("zi ~", right)))

# Columns are standardised, so a coefficient speaks of one standard deviation. The dispersion,
# 1 / shape, is half-normal(0, 2): the density of shape has the Jacobian 1 / shape^2.
priors <- c(
  set_prior("normal(-1, 2.5)", class = "Intercept"),
  set_prior("normal(0, 2)", class = "Intercept", dpar = "zi"),
  set_prior("normal(0, 1)", class = "b"),
  set_prior("normal(0, 1)", class = "b", dpar = "zi"),
  set_prior("normal(0, 1)", class = "sd"),
  set_prior("normal(0, 1)", class = "sd", dpar = "zi"),
  set_prior("", class = "shape")
)
on_dispersion <- stanvar(
  scode = "target += normal_lpdf(inv(shape) | 0, 2) - 2 * log(shape);", block = "model"
)

compiled <- brm(formula, dyads, family = zero_inflated_negbinomial(), prior = priors,
                stanvars = on_dispersion, chains = 0, silent = 2)
fit <- update(compiled, recompile = FALSE,
              chains = numbers[["chains"]], cores = numbers[["cores"]], seed = numbers[["seed"]],
              iter = numbers[["tune"]] + numbers[["draws"]], warmup = numbers[["tune"]],
              control = list(adapt_delta = numbers[["target_accept"]]), refresh = 0, silent = 2)
# Stan's own clocks, as if its chains filled the cores: R's start of the chains' processes is not
# sampling
clocks <- rowSums(rstan::get_elapsed_time(fit$fit))
seconds <- max(clocks, sum(clocks) / numbers[["cores"]])

kept <- as_draws_df(fit, variable = c("^b_", "^sd_", "^shape$"), regex = TRUE)
write.csv(kept[order(kept$.chain, kept$.iteration), ], given[2], row.names = FALSE)
divergences <- sum(subset(nuts_params(fit), Parameter == "divergent__")$Value)
versions <- c(R = as.character(getRversion()),
              sapply(c("brms", "rstan"), function(p) as.character(packageVersion(p))))
writeLines(sprintf('{"seconds": %.6f, "divergences": %d, "versions": {%s}}', seconds,
                   as.integer(divergences),
                   paste(sprintf('"%s": "%s"', names(versions), versions), collapse = ", ")),
           given[3])
