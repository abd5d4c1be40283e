from .from_memory import study_from
from .study import Study, read_study

__all__ = ["Study", "read_study", "study_from"]
