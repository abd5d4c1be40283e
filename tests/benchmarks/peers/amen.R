# One chain of an additive and multiplicative effects model of amounts by Hoff's package amen.
#   Rscript amen.R dyads.csv draws.csv run.json rank burn scan every seed [folder of the package's R]
# The table: sender, receiver, outcome, then columns of dyads; of cities, named as "name sender" and
# "name receiver".

given <- commandArgs(TRUE)
numbers <- as.integer(given[4:8])
names(numbers) <- c("rank", "burn", "scan", "every", "seed")
if (length(given) > 8) {
  for (file in list.files(given[9], "[.]R$", full.names = TRUE)) source(file)
} else suppressMessages(library(amen))

dyads <- read.csv(given[1], check.names = FALSE)
cities <- sort(unique(c(dyads$sender, dyads$receiver)))
place <- cbind(match(dyads$sender, cities), match(dyads$receiver, cities))
square <- function(column) {
  found <- matrix(NA, length(cities), length(cities), dimnames = list(cities, cities))
  found[place] <- dyads[[column]]
  found
}
of_cities <- function(side) {
  columns <- grep(paste0(" ", side, "$"), names(dyads), value = TRUE)
  found <- as.matrix(dyads[match(cities, dyads[[side]]), columns])
  dimnames(found) <- list(cities, sub(" .*", "", columns))
  found
}
columns <- grep(" (sender|receiver)$", names(dyads)[-(1:3)], value = TRUE, invert = TRUE)
of_dyads <- array(0, c(length(cities), length(cities), length(columns)),
                  list(cities, cities, columns))
for (column in columns) {
  of_dyads[, , column] <- square(column)
  diag(of_dyads[, , column]) <- 0
}
began <- proc.time()[["elapsed"]]
fit <- ame(square("outcome"), of_dyads, of_cities("sender"), of_cities("receiver"),
           family = "nrm", R = numbers[["rank"]], burn = numbers[["burn"]],
           nscan = numbers[["scan"]], odens = numbers[["every"]], seed = numbers[["seed"]],
           plot = FALSE, print = FALSE, gof = FALSE)
seconds <- proc.time()[["elapsed"]] - began
write.csv(cbind(fit$BETA, fit$VC), given[2], row.names = FALSE)
writeLines(sprintf('{"seconds": %.3f, "R": "%s"}', seconds, getRversion()), given[3])
