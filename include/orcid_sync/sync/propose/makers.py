"""Makes payloads in processes beside this one, where there are many: Python keeps one core busy, and there are more.

A process runs `main`: it takes the maker, then chunks, and answers each with what the maker made of it. It ends when its
input does, also where this process is killed.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from typing import IO, Any, Final, Generic, Protocol, TypeVar

from orcid_sync.errors import Transient

PROCESSES_AT_MOST: Final = 4
# Chunks that wait for a process, for each of them: none idles while the ones before are copied into the ledger.
_AHEAD: Final = 2

_PROGRAM: Final = f"from {__name__} import main; main()"

Chunk = TypeVar("Chunk")
Answer = TypeVar("Answer")
_Chunk = TypeVar("_Chunk", contravariant=True)
_Answer = TypeVar("_Answer", covariant=True)


class Maker(Protocol[_Chunk, _Answer]):
    """What is sent to the processes; it, the chunks and the answers have to be picklable."""

    def made_of(self, chunk: _Chunk, /) -> _Answer:
        """What becomes of a chunk."""


def processes_to_use() -> int:
    """As many as there are cores for this process, within reason."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    return min(cores, PROCESSES_AT_MOST)


def made_in_parallel(
    maker: Maker[Chunk, Answer], chunks: Iterable[Chunk], processes: int
) -> Iterator[Answer]:
    """What `maker.made_of` says of each chunk, in their order; a few chunks at a time are in memory."""
    if processes < 2:
        yield from map(maker.made_of, chunks)
        return
    with ExitStack() as stack:
        idle: queue.SimpleQueue[_Process[Chunk, Answer]] = queue.SimpleQueue()
        for _ in range(processes):
            idle.put(stack.enter_context(closing(_Process(maker))))

        def make(chunk: Chunk) -> Answer:
            process = idle.get()
            try:
                return process.made_of(chunk)
            finally:
                idle.put(process)

        pool = stack.enter_context(ThreadPoolExecutor(processes, "payloads"))
        under_way: deque[Future[Answer]] = deque()
        for chunk in chunks:
            under_way.append(pool.submit(make, chunk))
            if len(under_way) >= processes * _AHEAD:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


class _Process(Generic[Chunk, Answer]):
    """One process that makes payloads."""

    def __init__(self, maker: Maker[Chunk, Answer]) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._send(maker)

    def made_of(self, chunk: Chunk) -> Answer:
        """What the maker says of this chunk."""
        try:
            self._send(chunk)
            made: Answer = pickle.load(self._output)  # noqa: S301
        except BaseException as error:
            # Who has not been heard to the end would wait for it for ever, and so would who asks next.
            self._process.kill()
            if not isinstance(error, (EOFError, BrokenPipeError)):
                raise
            raise Transient(
                "Payloads could not be made",
                why="a process that makes them was ended, perhaps for want of memory",
                doubt=False,
            ) from None
        return made

    def close(self) -> None:
        """Let it end."""
        with suppress(BrokenPipeError):
            self._input.close()
        self._output.close()
        self._process.wait()

    def _send(self, message: object) -> None:
        pickle.dump(message, self._input, pickle.HIGHEST_PROTOCOL)
        self._input.flush()

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout


def main() -> None:
    """Answer chunks until there are no more."""
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    try:
        maker: Maker[Any, Any] = pickle.load(incoming)  # noqa: S301
        while True:
            chunk = pickle.load(incoming)  # noqa: S301
            pickle.dump(maker.made_of(chunk), outgoing, pickle.HIGHEST_PROTOCOL)
            outgoing.flush()
    except (EOFError, BrokenPipeError):
        # Nobody listens any more; what is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
