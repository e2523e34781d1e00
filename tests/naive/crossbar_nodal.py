"""Slow oracles for circuits: dense nodal analysis, shorts as merged nodes. Imports nothing from pimsim."""

import numpy as np


class Circuit:
    """Resistors and non-linear branches between named nodes; ``0`` is ground; shorts merge nodes."""

    def __init__(self):
        self.parent = {}
        self.resistors = []
        self.branches = []
        self.fixed = {"0": 0.0}

    def node(self, name):
        self.parent.setdefault(name, name)
        while self.parent[name] != name:
            name = self.parent[name]
        return name

    def join(self, a, b, ohm):
        if np.isinf(ohm):
            return
        if ohm == 0.0:
            a, b = self.node(a), self.node(b)
            if a != b:
                # A name with a known voltage stays the root.
                if a in self.fixed:
                    a, b = b, a
                self.parent[a] = b
        else:
            self.resistors.append((a, b, 1.0 / ohm))

    def solve(self, law=None, steps=200):
        """Voltages by name; ``law(g, v) -> (i, di/dv)`` for the branches, Newton with step halving."""
        names = sorted({self.node(n) for a, b, *_ in self.resistors + self.branches for n in (a, b)})
        unknown = {n: k for k, n in enumerate(n for n in names if n not in self.fixed)}
        v = {n: self.fixed.get(n, 0.0) for n in set(names) | set(self.fixed)}

        def residual(v, jacobian=False):
            f, J = np.zeros(len(unknown)), np.zeros((len(unknown), len(unknown)))
            parts = [(a, b, g * (v[self.node(a)] - v[self.node(b)]), g) for a, b, g in self.resistors]
            parts += [(a, b, *law(g, v[self.node(a)] - v[self.node(b)])) for a, b, g in self.branches]
            for a, b, i, g in parts:
                a, b = unknown.get(self.node(a)), unknown.get(self.node(b))
                for p, q, sign in ((a, b, 1.0), (b, a, -1.0)):
                    if p is not None:
                        f[p] += sign * i
                        J[p, p] += g
                        if q is not None:
                            J[p, q] -= g
            return (f, J) if jacobian else f

        for _ in range(steps if self.branches else 2):
            f, J = residual(v, jacobian=True)
            if not f.size:
                break
            step, length = np.linalg.solve(J, -f), 1.0
            if np.abs(step).max() <= 1e-16:
                break
            trial = dict(v)
            for _ in range(60):
                trial.update({n: v[n] + length * step[k] for n, k in unknown.items()})
                if np.linalg.norm(residual(trial)) <= (1.0 - 1e-4 * length) * np.linalg.norm(f) or not self.branches:
                    break
                length /= 2
            v = trial
        return lambda name: v[self.node(name)]


def crossbar(G, V, r_w, r_b, r_drv, r_sen, double=False, driven=None, r_access=None, law=None):
    """(i_out, i_source, v_wordline, v_bitline) of one vector; ``r_access`` (N,) ohm in series with each row's cells."""
    N, M = G.shape
    driven = np.ones(N, bool) if driven is None else driven
    c = Circuit()
    for i in range(N):
        if driven[i]:
            c.fixed[f"s{i}"] = V[i]
            c.join(f"s{i}", f"w{i},0", r_w + r_drv)
            if double:
                c.join(f"s{i}", f"w{i},{M - 1}", r_w + r_drv)
        for j in range(M - 1):
            c.join(f"w{i},{j}", f"w{i},{j + 1}", r_w)
    for j in range(M):
        for i in range(N - 1):
            c.join(f"b{i},{j}", f"b{i + 1},{j}", r_b)
        c.join(f"b{N - 1},{j}", "0", r_b + r_sen)
    for i in range(N):
        for j in range(M):
            end = f"b{i},{j}"
            if r_access is not None and r_access[i] > 0:
                if np.isinf(r_access[i]):
                    continue
                end = f"x{i},{j}"
                c.join(end, f"b{i},{j}", r_access[i])
            if G[i, j] > 0:
                if law is None:
                    c.join(f"w{i},{j}", end, 1.0 / G[i, j])
                else:
                    c.branches.append((f"w{i},{j}", end, G[i, j]))
    v = c.solve(law)
    word = np.array([[v(f"w{i},{j}") for j in range(M)] for i in range(N)])
    bit = np.array([[v(f"b{i},{j}") for j in range(M)] for i in range(N)])
    current = np.zeros((N, M))
    for i in range(N):
        for j in range(M):
            end = bit[i, j]
            if r_access is not None and r_access[i] > 0:
                end = bit[i, j] if np.isinf(r_access[i]) else v(f"x{i},{j}")
                if np.isinf(r_access[i]):
                    continue
            if G[i, j] > 0:
                d = word[i, j] - end
                current[i, j] = G[i, j] * d if law is None else law(G[i, j], d)[0]
    i_source = current.sum(axis=1)
    i_source[~driven] = 0.0
    return current.sum(axis=0), i_source, word, bit


def gated(G, on, v, r_b, r_s, r_drv, r_sen, r_on, g_off):
    """Column currents (M,) of one pattern of gates."""
    N, M = G.shape
    out = np.zeros(M)
    for j in range(M):
        c = Circuit()
        c.fixed["v"] = v
        c.join("v", "b0", r_drv + r_b)
        for i in range(N - 1):
            c.join(f"b{i}", f"b{i + 1}", r_b)
            c.join(f"s{i}", f"s{i + 1}", r_s)
        c.join(f"s{N - 1}", "0", r_s + r_sen)
        ohm = []
        for i in range(N):
            access = r_on if on[i] else (1.0 / g_off if g_off > 0 else np.inf)
            ohm.append(1.0 / G[i, j] + access if G[i, j] > 0 else np.inf)
            c.join(f"b{i}", f"s{i}", ohm[-1])
        at = c.solve()
        out[j] = sum((at(f"b{i}") - at(f"s{i}")) / ohm[i] for i in range(N) if np.isfinite(ohm[i]))
    return out
