"""Alerting room: the running models, and the one step in which new ones take over."""

from pathlib import Path

from engine.alerting.engine import Engine
from engine.alerting.models import load_models
from engine.alerting.trial import SECONDS, Trial, trial
from engine.errors import RulesRefused
from engine.model.city import City


class Switch:
    """Holds the engine that is in use. Read `engine` once per call and keep it for both phases."""

    def __init__(self, folder: Path, city: City) -> None:
        """The first set has nothing to fall back on: raises RulesRefused when it does not hold together."""
        self._folder = folder
        self.engine = Engine(load_models(folder, city), city)
        self.last: Trial | None = None
        """The last trial, shown to the officer: its faults say why new models did not take over."""
        self._retired: Engine | None = None

    def refresh(self, city: City, *, seconds: float = SECONDS) -> Trial:
        """Tries the folder in another process; if it passes, the new models take over in one step.

        Blocks: call it from a thread. The engine before the last is freed; the last may still be in use by a
        call that began with it.
        """
        tried = trial(self._folder, city, seconds=seconds)
        if tried.passed and tried.version != self.engine.models.version:
            try:
                fresh = Engine(load_models(self._folder, city), city)
            except RulesRefused as changed:  # written to between the trial and now
                tried = Trial(changed.faults)
            else:
                self._take_over(fresh)
        self.last = tried
        return tried

    def _take_over(self, fresh: Engine) -> None:
        old, self.engine = self.engine, fresh
        if self._retired is not None:
            self._retired.close()
        self._retired = old
