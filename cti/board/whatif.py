"""Erlang A: what a number of agents does to calls that arrive by chance and give up by chance (pure).

The model is M/M/n+M: Poisson arrivals, exponential handling times and patience, n agents who are all alike, callers in
order of arrival, the steady state. The wait that an infinitely patient caller would have has the density
lambda*P(n-1)*exp(lambda/theta*(1-exp(-theta*x)) - n*mu*x), whose integrals are incomplete gamma functions; they and the
Poisson distribution come from scipy, which is loaded at the first use. Without patience known (nobody hangs up) it is
Erlang C. Written after A. Mandelbaum and S. Zeltyn, "Service engineering in action: the Palm/Erlang-A queue" (2007),
where the building blocks J and epsilon have the same names.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

MOST_AGENTS: Final = 2_000
MOST_LOAD: Final = 1_000.0
"Erlangs; beyond it nothing is computed."


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What comes in, as it was measured."""

    per_s: float
    "Callers a second."
    handling_s: float
    "Mean of talk, hold and wrap-up."
    patience_s: float | None
    "Mean patience of a caller, had he to wait for ever; None: nobody hangs up."

    def __post_init__(self) -> None:
        """Raises ValueError for what is no load."""
        good = math.isfinite(self.per_s) and self.per_s > 0 and math.isfinite(self.handling_s) and self.handling_s > 0
        if not good or (self.patience_s is not None and not (0 < self.patience_s < math.inf)):
            raise ValueError("not a load")
        if self.erlangs > MOST_LOAD:
            raise ValueError("too much load")

    @property
    def erlangs(self) -> float:
        """Agents that would be busy all the time, if nobody hung up."""
        return self.per_s * self.handling_s


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What a number of agents comes to."""

    agents: int
    level: float
    "Answered within the target, of all who come: V2, for each is answered or hangs up."
    asa_s: float | None
    "Mean wait of the answered; None where nobody is."
    abandon: float
    "Share of callers who hang up."
    occupancy: float
    "Share of their time in which agents are busy."


def outlook(load: Load, agents: int, target_s: float) -> Outlook:
    """With so many agents. Raises ValueError for a number that makes no sense."""
    if not 0 <= agents <= MOST_AGENTS or not 0 <= target_s <= 86_400:
        raise ValueError("agents or target out of range")
    if agents == 0:
        return Outlook(agents=0, level=0.0, asa_s=None, abandon=1.0, occupancy=0.0)
    if load.patience_s is None:
        return _erlang_c(load, agents, target_s)
    return _erlang_a(load, agents, target_s, load.patience_s)


def agents_for(load: Load, goal: float, target_s: float) -> int | None:
    """Fewest agents with which the level reaches the goal; None where even very many do not."""
    low, high = 0, max(4, math.ceil(load.erlangs))
    while outlook(load, high, target_s).level < goal:
        low, high = high, high * 2
        if high > MOST_AGENTS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if outlook(load, middle, target_s).level >= goal:
            high = middle
        else:
            low = middle
    return high


def _log_head(load: Load, agents: int) -> float:
    """Log of epsilon: P(fewer than n busy) relative to P(n - 1 busy), of the Poisson distribution of the load."""
    from scipy import special

    a, n = load.erlangs, agents
    head = float(special.gammaincc(n, a))
    if head > 1e-280:
        return math.log(head) - (float(special.xlogy(n - 1, a)) - a - float(special.gammaln(n)))
    # Far more load than agents: the sum is its last terms, 1 + (n-1)/a + (n-1)(n-2)/a^2 + ...
    total = term = 1.0
    for k in range(n - 1, 0, -1):
        term *= k / a
        total += term
        if term < 1e-17 * total:
            break
    return math.log(total)


def _erlang_c(load: Load, agents: int, target_s: float) -> Outlook:
    a, n, mu = load.erlangs, agents, 1.0 / load.handling_s
    if a >= n:
        return Outlook(agents=n, level=0.0, asa_s=None, abandon=0.0, occupancy=1.0)
    # P(n busy) is a/n of P(n - 1 busy), and those behind it make it n/(n - a) times as likely.
    log_odds = math.log(a / (n - a)) - _log_head(load, n)
    waits = 1.0 / (1.0 + math.exp(-log_odds)) if log_odds > -700 else 0.0
    free = n * mu - load.per_s
    return Outlook(
        agents=n,
        level=1.0 - waits * math.exp(-free * target_s),
        asa_s=waits / free,
        abandon=0.0,
        occupancy=a / n,
    )


def _erlang_a(load: Load, agents: int, target_s: float, patience_s: float) -> Outlook:
    lam, mu, theta, n = load.per_s, 1.0 / load.handling_s, 1.0 / patience_s, agents
    # All are weights relative to P(n - 1 busy); the largest exponent is taken out, for they are huge or tiny.
    log_ready, log_waits = _log_head(load, n), math.log(lam) + _log_j(lam, n * mu, theta, 0.0)
    top = max(log_ready, log_waits)
    ready, waits = math.exp(log_ready - top), math.exp(log_waits - top)
    # A caller who waits is answered if his patience outlasts the wait x, with exp(-theta*x): the rate grows by theta.
    patient = n * mu + theta
    answered = math.exp(math.log(lam) + _log_j(lam, patient, theta, 0.0) - top)
    late = math.exp(math.log(lam) + _log_j(lam, patient, theta, target_s) - top)
    total = ready + waits
    served = (ready + answered) / total
    # The answered's mean wait, if they waited, is how fast that integral falls with its rate.
    step = patient * 1e-4
    mean_wait = (_log_j(lam, patient - step, theta, 0.0) - _log_j(lam, patient + step, theta, 0.0)) / (2 * step)
    return Outlook(
        agents=n,
        level=min(1.0, max(0.0, (ready + answered - late) / total)),
        asa_s=mean_wait * answered / (ready + answered) if ready + answered > 0 else None,
        abandon=min(1.0, max(0.0, 1.0 - served)),
        occupancy=min(1.0, load.erlangs * served / n),
    )


def _log_j(lam: float, rate: float, theta: float, since: float) -> float:
    """Log of J: the integral of exp(lam/theta*(1 - exp(-theta*x)) - rate*x) over x from `since` on.

    With h = lam/theta and r = rate/theta it is exp(h)*h^-r/theta * gamma(r, h*exp(-theta*since)), the lower incomplete
    gamma function.
    """
    from scipy import special

    h, r = lam / theta, rate / theta
    x = h * math.exp(-theta * since)
    part = float(special.gammainc(r, x)) if x > 0 else 0.0
    if part > 1e-280:
        return h - r * math.log(h) - math.log(theta) + math.log(part) + float(special.gammaln(r))
    # Hardly any load: gamma(r, x) is x^r*exp(-x)/r * M(1, r + 1, x), which stays within range.
    kummer = float(special.hyp1f1(1.0, r + 1.0, x))
    return -h * math.expm1(-theta * since) - rate * since - math.log(rate) + math.log(kummer)
