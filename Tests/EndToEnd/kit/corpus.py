"""The files of Tests/Corpus with what is expected of each."""
import concurrent.futures

from .cases import ROOT
from .raw import expanded

FOLDER = ROOT / "Tests" / "Corpus"


def corpus(kind, suffix):
    """(name, bytes, the other columns of expect.tsv) for each file. A file without a row and a row without a file are faults."""
    rows = {}
    for line in (FOLDER / kind / "expect.tsv").read_text().splitlines():
        if not line.startswith("#"):
            name, *columns = line.split("\t")
            rows[name] = columns
    files = {path.stem: path for path in (FOLDER / kind).glob(f"*{suffix}")}
    assert rows.keys() == files.keys(), f"expect.tsv and the files differ: {sorted(rows.keys() ^ files.keys())}"
    return [(name, expanded(files[name].read_bytes()), rows[name]) for name in sorted(rows)]


def judge_all(items, judge, workers=8):
    """Judges every item; `judge` gives a fault in words or None."""
    with concurrent.futures.ThreadPoolExecutor(workers) as crowd:
        faults = [fault for fault in crowd.map(judge, items) if fault]
    assert not faults, f"{len(faults)} of {len(items)}:\n" + "\n".join(faults)
    return f"{len(items)} files"


def resident_megabytes(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024
