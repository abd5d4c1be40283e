"""What the chapters of a report are written from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from analysis.figures.catalogue import CATALOGUE
from analysis.fits.gathering import ModelResults, StudyResults
from analysis.tables.blocks import Block, Fold, Picture, Section, Text
from data.study import Study
from models.inference.fit import Fit


@dataclass(frozen=True)
class Material:
    """Results, and by model and name what `draw_figures` has drawn of them, and what not, why."""

    results: StudyResults
    drawn: Mapping[tuple[str, str], Path]
    not_drawn: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def study(self) -> Study:
        return self.results.study

    def by_model(
        self,
        title: str,
        opening: str,
        label: str,
        blocks_of: "Callable[[ModelResults, Material], tuple[Block, ...]]",
        above: tuple[Block, ...] = (),
    ) -> Section:
        """Show the first model in full, and the others when a reader asks for them."""
        blocks: list[Block] = [Text(opening), *above]
        first, models = self.results.first, self.results.models
        for name in sorted(models, key=lambda name: name != first.model):
            shown = blocks_of(models[name], self)
            if not Fit(models[name].fit).passed:
                shown = (Text(failed(name), warns=True), *shown)
            blocks += shown if name == first.model else [Fold(f"{label} {name}", shown)]
        return Section(title, tuple(blocks))

    def pictures(self, model: str, *names: str) -> tuple[Picture, ...]:
        """Give figures of a model."""
        entries = {entry.name: entry for entry in CATALOGUE}
        return tuple(
            Picture(
                self.drawn[model, name],
                f"{entries[name].title}: {model}, {self.study.declaration.title}",
                f"{model}. {entries[name].title}. {entries[name].advice}",
            )
            for name in names
            if (model, name) in self.drawn
        )


def failed(model: str) -> str:
    """Say that a fit failed its diagnostics."""
    return f"{model} fails its diagnostics: do not interpret it."
