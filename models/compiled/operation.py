"""What the operations that numba compiles for us have in common."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pytensor import tensor as pt
from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op


class Operation(Op):
    """A PyTensor operation on floats whose inputs come first, and after them what is known.

    Attributes
    ----------
    parameters : int
        How many inputs the first output can be differentiated in; the other outputs, in none.
    """

    parameters: ClassVar[int]
    dims: ClassVar[tuple[int, ...]]

    @abstractmethod
    def _compute(self, *inputs: np.ndarray) -> Sequence[np.ndarray]:
        """Compute the outputs outside numba's mode."""

    def _derivatives(
        self,
        inputs: Sequence[Variable],  # noqa: ARG002 - most need it
        outputs: Sequence[Variable],  # noqa: ARG002 - most need it
        cotangent: Variable,  # noqa: ARG002 - most need it
    ) -> list[Variable]:
        """Give the derivatives in the parameters, from that in the first output; none by default.

        The outputs beside the first are computed anyway: most operations hold them in these.
        """
        return []

    def pullback(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable],
    ) -> list[Variable]:
        """Differentiate in the parameters; what is known has no derivative."""
        if isinstance(cotangents[0].type, DisconnectedType):
            return [disconnected_type() for _ in inputs]
        found = self._derivatives(inputs, outputs, cotangents[0])
        return [*found, *(disconnected_type() for _ in inputs[self.parameters :])]

    def make_node(self, *inputs: Any) -> Apply:
        """Declare the outputs."""
        outputs = [pt.tensor(dtype="float64", shape=(None,) * ndim) for ndim in self.dims]
        return Apply(self, [pt.as_tensor(value) for value in inputs], outputs)

    def perform(
        self,
        node: Apply,  # noqa: ARG002 - PyTensor passes it
        inputs: Sequence[Any],
        storage: list[list[Any]],
    ) -> None:
        """Compute the outputs outside numba's mode."""
        for place, value in zip(storage, self._compute(*inputs), strict=True):
            place[0] = value

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Say which outputs can be differentiated in which inputs."""
        others = [False] * (len(self.dims) - 1)
        return [[k < self.parameters, *others] for k in range(len(node.inputs))]
