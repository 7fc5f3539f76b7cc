"""Virtual time: one scheduler in which everything of a run happens, and event loops on it for real asyncio code.

A process is an event loop whose time is the scheduler's. It can be stopped (nothing of it runs until it goes on, then
all that came meanwhile, in order) and killed (nothing of it ever runs again). What it does in its worker threads takes
a moment.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

_set_running_loop: Callable[[Any], None] = asyncio._set_running_loop
_MOST = 10_000
"Steps after which a process that is to end is no longer waited for."


class Timer:
    """A call to come; what asyncio knows as a handle."""

    __slots__ = ("args", "call", "off", "process")

    def __init__(self, process: Process | None, call: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.process = process
        self.call = call
        self.args = args
        self.off = False

    def cancel(self) -> None:
        """Never mind."""
        self.off = True

    def cancelled(self) -> bool:
        """True after `cancel`."""
        return self.off


class Soon(Timer):
    """A call that is due: what asyncio's own parts ask for."""

    __slots__ = ()


class Scheduler:
    """`at` what is to happen, then `run`."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.ready: deque[Timer] = deque()
        self.heap: list[tuple[float, int, Timer]] = []
        self.count = itertools.count().__next__
        self.inside: Process | None = None
        "Whose turn it was last."
        self.stream: Any = None
        "What all processes can reach."

    def at(self, when: float, call: Callable[..., object], *args: Any, process: Process | None = None) -> Timer:
        """Have `call(*args)` at that time; of a process: as long as it lives, and not while it is stopped."""
        timer = Timer(process, call, args)
        heapq.heappush(self.heap, (when, self.count(), timer))
        return timer

    def run(self, until: float) -> None:
        """Everything up to that time."""
        heap, ready, carry_out = self.heap, self.ready, self.carry_out
        pop, following = heapq.heappop, ready.popleft
        while True:
            while ready:
                carry_out(following())
            if not heap or heap[0][0] > until:
                break
            when, _, timer = pop(heap)
            if not timer.off:
                if when > self.now:
                    self.now = when
                carry_out(timer)
        self.now = until

    def carry_out(self, timer: Timer) -> None:
        """Now, if its process can."""
        if timer.off:
            return
        process = timer.process
        if process is not None:
            life = process.life
            if life.gone or life.stopped:
                life.backlog.append(timer)
                return
            if process is not self.inside:
                self.inside = process
                _set_running_loop(process)
        timer.call(*timer.args)

    def leave(self) -> None:
        """Nothing runs any longer."""
        self.inside = None
        _set_running_loop(None)


class Life:
    """Whether a process lives, and what waits for it to go on."""

    __slots__ = ("backlog", "gone", "stopped")

    def __init__(self) -> None:
        self.gone = False
        self.stopped = False
        self.backlog: list[Timer] = []


class Process:
    """A process, as the event loop of its one thread."""

    def __init__(self, scheduler: Scheduler, work: Callable[[Process, str, Asked], None], life: Life) -> None:
        """`work(process, thread, asked)` carries out what goes to a worker thread."""
        self.scheduler = scheduler
        self.life = life
        self.failures: list[str] = []
        "Exceptions nobody handled."
        self.tasks: list[asyncio.Task[Any]] = []
        self._work = work
        self._soon = scheduler.ready
        self._ending = False

    # -- what happens to it -------------------------------------------------------------------------------------

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run it as a task, for as long as the process lives."""
        task: asyncio.Task[Any] = self.create_task(work)
        return task

    def does(self, call: Callable[..., object], *args: Any) -> None:
        """Call it as a part of this process, now, or when it goes on."""
        self.scheduler.carry_out(Timer(self, call, args))

    def go_on(self) -> None:
        """It was stopped, and is no longer."""
        self.life.stopped = False
        backlog, self.life.backlog = self.life.backlog, []
        self.scheduler.ready.extend(backlog)

    def kill(self) -> None:
        """Nothing of it runs any more."""
        self.life.gone = True

    def bury(self) -> None:
        """Have the tasks of a process that is gone end, without any effect: or they would complain later."""
        for task in self.tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                self.failures.append(f"{type(error).__name__}: {error}")
        self._ending = True
        self._soon = deque(timer for timer in self.life.backlog if timer.process is self and isinstance(timer, Soon))
        self.scheduler.inside = self
        _set_running_loop(self)
        for _ in range(_MOST):
            while self.tasks:
                self.tasks.pop().cancel()
            if not self._soon:
                return
            timer = self._soon.popleft()
            if not timer.off:
                timer.call(*timer.args)
        self.failures.append("a task does not end")

    # -- the event loop -----------------------------------------------------------------------------------------

    def time(self) -> float:
        """The loop's clock."""
        return self.scheduler.now

    def call_soon(self, call: Callable[..., object], *args: Any, context: object = None) -> Timer:
        """At once, behind what is due."""
        timer = Soon(self, call, args)
        self._soon.append(timer)
        return timer

    call_soon_threadsafe = call_soon

    def call_later(self, delay: float, call: Callable[..., object], *args: Any, context: object = None) -> Timer:
        """After `delay` seconds."""
        if self._ending:
            return Timer(self, call, args)
        timer = Timer(self, call, args)
        scheduler = self.scheduler
        heapq.heappush(scheduler.heap, (scheduler.now + delay, scheduler.count(), timer))
        return timer

    def call_at(self, when: float, call: Callable[..., object], *args: Any, context: object = None) -> Timer:
        """When the loop's clock shows `when`."""
        if self._ending:
            return Timer(self, call, args)
        return self.scheduler.at(when, call, *args, process=self)

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)  # type: ignore[arg-type]

    def create_task(self, work: Coroutine[Any, Any, Any], *, name: object = None, context: object = None) -> Any:
        """A task of this loop."""
        task = asyncio.Task(work, loop=self)  # type: ignore[arg-type]
        self.tasks.append(task)
        return task

    def run_in_executor(self, executor: Any, call: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Something in a worker thread."""
        future = self.create_future()
        if self._ending:
            future.cancel()
            return future

        def answered(result: object, error: BaseException | None) -> None:
            if not future.done():
                if error is not None:
                    future.set_exception(error)
                else:
                    future.set_result(result)

        self._work(self, getattr(executor, "name", ""), Asked(lambda: call(*args), answered))
        return future

    def get_debug(self) -> bool:
        """No."""
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Something failed and nobody was told; of a run that broke off nobody is."""
        if not vars(self).get("_ending", True):
            self.failures.append(str(context.get("exception") or context.get("message")))


class Asked:
    """Work for a thread; whoever carries it out calls it at the moment it takes effect, and `answer` afterwards."""

    __slots__ = ("_answered", "_call", "error", "result")

    def __init__(self, call: Callable[[], Any], answered: Callable[[object, BaseException | None], None]) -> None:
        self._call = call
        self._answered = answered
        self.result: object = None
        self.error: BaseException | None = None

    def __call__(self) -> None:
        """It takes effect."""
        try:
            self.result = self._call()
        except Exception as error:
            self.error = error.with_traceback(None)  # which would hold it, and be held by it

    def answer(self) -> None:
        """The process hears of it."""
        self._answered(self.result, self.error)


class Stretch:
    """A clock that goes only in some stretches of time and stands still in between, when nothing can come of it.

    For what asks again several times a second, for hours, and hardly ever gets another answer.
    """

    def __init__(self, spans: list[tuple[float, float]]) -> None:
        """Spans may overlap."""
        self._spans: list[tuple[float, float, float]] = []
        "(from, to, what the clock shows at from)"
        shown = 0.0
        for begin, end in sorted(spans):
            if self._spans and begin <= self._spans[-1][1]:
                last = self._spans[-1]
                shown += max(0.0, end - last[1])
                self._spans[-1] = (last[0], max(last[1], end), last[2])
            else:
                self._spans.append((begin, end, shown))
                shown += end - begin

    def shows(self, now: float) -> float:
        """The clock at that time."""
        shown = 0.0
        for begin, end, at in self._spans:
            if now < begin:
                break
            shown = at + min(now, end) - begin
        return shown

    def reached(self, shown: float) -> float | None:
        """When the clock shows that; None for never."""
        for begin, end, at in self._spans:
            if shown <= at + (end - begin):
                return begin + max(0.0, shown - at)
        return None


class SlowProcess(Process):
    """A part of a process, with a clock that stands still now and then."""

    def __init__(self, whole: Process, clock: Stretch) -> None:
        super().__init__(whole.scheduler, whole._work, whole.life)
        self._clock = clock

    def time(self) -> float:
        """What the clock shows."""
        return self._clock.shows(self.scheduler.now)

    def call_later(self, delay: float, call: Callable[..., object], *args: Any, context: object = None) -> Timer:
        """When the clock has gone on by that much."""
        return self.call_at(self.time() + delay, call, *args)

    def call_at(self, when: float, call: Callable[..., object], *args: Any, context: object = None) -> Timer:
        """When the clock shows `when`."""
        if self._ending:
            return Timer(self, call, args)
        at = self._clock.reached(when)
        if at is None:
            return Timer(self, call, args)
        return self.scheduler.at(max(at, self.scheduler.now), call, *args, process=self)
