#!/usr/bin/env python3
"""Makes windows.yaml and windows.tsv beside it: when windows open in ten years, worked out by Python's zoneinfo alone.

windows.tsv: zone, window, year, number of openings, FNV-1a (64 bit) over "OPENS CLOSES\n" of each opening that begins in that year (UTC), in seconds.
odd-nights.tsv: some openings in full, around changes of the clock.
"""
import datetime as dt, pathlib, zoneinfo
HERE = pathlib.Path(__file__).parent
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Pacific/Chatham", "America/St_Johns", "Africa/Casablanca", "Pacific/Apia"]
YEARS = range(2020, 2030)
HOURS = {   # name: days (0 = Monday), ranges of seconds, days of month, months, dates
    "night": (None, ["22:00-06:00"], None, None, None),
    "in-the-gap": (None, ["02:10-02:20"], None, None, None),
    "into-the-gap": (None, ["01:30-02:30"], None, None, None),
    "out-of-the-gap": (None, ["02:15-03:15"], None, None, None),
    "two-halves": (None, ["09:00-12:00", "14:00-18:00"], None, None, None),
    "late-friday": ([4], ["23:30-03:00"], None, None, None),
    "weekend": ([5, 6], [], None, None, None),
    "sunday": ([6], ["00:00-24:00"], None, None, None),
    "almost-always": (None, ["00:00:30-00:00:29"], None, None, None),
    "month-end": (None, [], [-2, -1], None, None),
    "first-week": (None, ["20:00-04:00"], [1, 2, 3, 4, 5, 6, 7], [3, 10], None),
    "year-end": (None, [], None, None, [("2024-12-24", "2025-01-02"), ("2027-03-28", "2027-03-28")]),
}
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def second(text):
    h, m, *s = map(int, text.split(":")); return h * 3600 + m * 60 + (s[0] if s else 0)


def offset(zone, utc):
    return int(dt.datetime.fromtimestamp(utc, zone).utcoffset().total_seconds())


def instant(zone, day, sec):
    """The first instant at which the local clock shows this second of this day, or the first after the gap that skips it."""
    local = (day - dt.date(1970, 1, 1)).days * 86400 + sec
    fits = sorted({local - o for o in {offset(zone, local - 86400 * 2), offset(zone, local + 86400 * 2), *(offset(zone, local + h * 3600) for h in range(-30, 31, 3))} if offset(zone, local - o) == o})
    if fits: return fits[0]
    low, high = local - 93600, local + 93600      # skipped: the first second whose local time is later than the one that is missing
    while high - low > 1:
        mid = (low + high) // 2
        if mid + offset(zone, mid) > local: high = mid
        else: low = mid
    return high


def openings(zone, spec, first, last):
    days, ranges, dom, months, dates = spec; out = []
    pairs = [tuple(map(second, r.split("-"))) for r in ranges] or [(0, 86400)]
    day = first
    while day <= last:
        length = ((day.replace(day=28) + dt.timedelta(4)).replace(day=1) - dt.timedelta(1)).day
        if (days is None or day.weekday() in days) and (months is None or day.month in months) and (dom is None or day.day in dom or day.day - length - 1 in dom) and (dates is None or any(a <= day.isoformat() <= b for a, b in dates)):
            for a, b in pairs:
                o, c = instant(zone, day, a), instant(zone, day, b) if b > a else instant(zone, day + dt.timedelta(1), b)
                if c > o: out.append((o, c))
        day += dt.timedelta(1)
    return merge(out)


def merge(items):
    out = []
    for o, c in sorted(items):
        if out and o <= out[-1][1]: out[-1] = (out[-1][0], max(c, out[-1][1]))
        else: out.append((o, c))
    return out


def minus(items, off):
    out = []
    for o, c in items:
        for a, b in off:
            if b <= o or a >= c: continue
            if a > o: out.append((o, a))
            o = max(o, b)
            if o >= c: break
        if o < c: out.append((o, c))
    return out


def fnv(text):
    h = 0xcbf29ce484222325
    for b in text.encode(): h = ((h ^ b) * 0x100000001b3) & 0xffffffffffffffff
    return f"{h:016x}"


def yaml():
    lines = ["# Made by make_windows.py.", "version: 1", "windows:"]
    for zone in ZONES:
        z = zone.split("/")[1].lower()
        for name, (days, ranges, dom, months, dates) in HOURS.items():
            parts = [f"timezone: {zone}"]
            if days is not None: parts.append(f"days: [{', '.join(DAYS[d] for d in days)}]")
            if ranges: parts.append(f"hours: [{', '.join(ranges)}]")
            if dom: parts.append(f"days_of_month: [{', '.join(map(str, dom))}]")
            if months: parts.append(f"months: [{', '.join(map(str, months))}]")
            if dates: parts.append("dates: [" + ", ".join(a if a == b else f"{a}..{b}" for a, b in dates) + "]")
            lines.append(f"  {name}-{z}: {{ {', '.join(parts)} }}")
        lines.append(f"  off-peak-{z}: {{ any: [night-{z}, weekend-{z}], except: [month-end-{z}] }}")
        lines.append(f"  daytime-{z}: {{ not: [night-{z}] }}")
    return "\n".join(lines + ["backends: { one: { api: simulated, price: { input: 1, output: 1 } } }", "models: { m: { one: m } }", "classes: { now: { use: one } }", "routes: [{ class: now }]"]) + "\n"


def main():
    (HERE / "windows.yaml").write_text(yaml()); rows, odd = [], []
    for zone in ZONES:
        z = zoneinfo.ZoneInfo(zone); short = zone.split("/")[1].lower()
        first, last = dt.date(YEARS[0] - 1, 12, 20), dt.date(YEARS[-1] + 1, 1, 10)
        sets = {n: openings(z, s, first, last) for n, s in HOURS.items()}
        sets["off-peak"] = minus(merge(sets["night"] + sets["weekend"]), sets["month-end"])
        sets["daytime"] = minus([(sets["night"][0][0], sets["night"][-1][1])], sets["night"])
        for name, items in sets.items():
            for year in YEARS:
                lo, hi = (int(dt.datetime(y, 1, 1, tzinfo=dt.timezone.utc).timestamp()) for y in (year, year + 1))
                own = [i for i in items if lo <= i[0] < hi]
                rows.append(f"{zone}\t{name}-{short}\t{year}\t{len(own)}\t{fnv(''.join(f'{o} {c}' + chr(10) for o, c in own))}")
            if name in ("night", "into-the-gap", "out-of-the-gap", "in-the-gap"):
                for o, c in items:
                    if dt.datetime.fromtimestamp(o, dt.timezone.utc).year == 2027 and offset(z, o - 43200) != offset(z, c + 43200):
                        odd.append(f"{name}-{short}\t{dt.datetime.fromtimestamp(o, dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}\t{dt.datetime.fromtimestamp(c, dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}")
    (HERE / "windows.tsv").write_text("\n".join(rows) + "\n"); (HERE / "odd-nights.tsv").write_text("\n".join(odd) + "\n")


if __name__ == "__main__": main()
