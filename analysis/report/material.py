"""What a report's sections are written from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis.figures.catalogue import CATALOGUE
from analysis.fits.gathering import ModelResults, StudyResults
from analysis.report.document import Block, Fold, Picture, Text


@dataclass(frozen=True)
class Material:
    """Results, and the figures that were drawn of them.

    Attributes
    ----------
    drawn : mapping of (str, str) to pathlib.Path
        Figures by model and name, as `analysis.figures.drawing.draw_figures` returns them.
    """

    results: StudyResults
    drawn: Mapping[tuple[str, str], Path]

    def by_model(
        self,
        label: str,
        blocks_of: "Callable[[ModelResults, Material], tuple[Block, ...]]",
    ) -> tuple[Block, ...]:
        """Show the first model in full, and the others when a reader asks for them."""
        first = self.results.first
        others = [each for each in self.results.models.values() if each is not first]
        folds = [Fold(f"{label} {each.model}", blocks_of(each, self)) for each in others]
        return (*blocks_of(first, self), *folds)

    def warning(self, model: str) -> tuple[Text, ...]:
        """Warn of a fit that failed its diagnostics.

        Returns
        -------
        tuple of Text
            Empty where the fit passed.
        """
        if self.results.models[model].fit.attrs["passed"]:
            return ()
        return (Text(f"{model} fails its diagnostics: do not interpret it.", warns=True),)

    def pictures(self, model: str, *names: str) -> tuple[Picture, ...]:
        """Give figures of a model."""
        entries = {entry.name: entry for entry in CATALOGUE}
        return tuple(
            Picture(
                self.drawn[model, name],
                f"{entries[name].title}: {model}, {self.results.study.declaration.title}",
                f"{model}. {entries[name].title}. {entries[name].advice}",
            )
            for name in names
            if (model, name) in self.drawn
        )
