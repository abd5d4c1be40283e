from .study import Study, read_study

__all__ = ["Study", "read_study"]
