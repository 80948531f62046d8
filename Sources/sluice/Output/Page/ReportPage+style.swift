extension ReportPage {
    /// Light and dark, narrow and wide; the same colours and sizes as the dashboard.
    static let style = """
        :root{--bg:#fbfbfa;--card:#fff;--ink:#1c1d1f;--mut:#62656b;--line:#e4e4e0;--acc:#0b6bcb;--ok:#15803d;--bad:#b42318;--c1:#0b6bcb;--c2:#1d9a8a;\
        --c3:#b7791f;--c4:#8d6bd1;--c5:#c2557a;--rest:#9aa0a8}
        @media(prefers-color-scheme:dark){:root{--bg:#131416;--card:#1b1d20;--ink:#eceded;--mut:#a0a4ab;--line:#2d3035;--acc:#62a8f5;--ok:#5bc58a;\
        --bad:#f2887d;--c1:#62a8f5;--c2:#4fc7b5;--c3:#e0b25c;--c4:#b69af0;--c5:#e58aab;--rest:#7d838c}}
        *{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:14px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
        a{color:var(--acc)}:focus-visible{outline:2px solid var(--acc);outline-offset:2px;border-radius:4px}
        .skip{position:absolute;left:-99em}.skip:focus{left:8px;top:8px;background:var(--card);padding:6px 10px;z-index:9}
        header{display:flex;gap:16px;align-items:baseline;padding:12px 20px;border-bottom:1px solid var(--line);background:var(--card);flex-wrap:wrap}
        header b{font-size:16px}.sub,small{color:var(--mut)}
        main{padding:16px 20px;display:grid;gap:14px;grid-template-columns:repeat(12,1fr);max-width:1500px;margin:auto}
        section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px;grid-column:span 6;min-width:0}
        section h2{font-size:13px;font-weight:600;margin:0 0 2px}section p.sub{margin:0 0 8px;font-size:12.5px}
        .kpi{grid-column:span 3}.kpi strong{display:block;font-size:26px;font-variant-numeric:tabular-nums;letter-spacing:-.3px}
        .wide{grid-column:span 12}ul{margin:6px 0;padding-left:18px}
        svg{width:100%;height:auto;display:block;overflow:visible}svg text{fill:var(--mut);font-size:11px;font-variant-numeric:tabular-nums}
        .grid{stroke:var(--line)}.baseline{fill:none;stroke:var(--mut);stroke-dasharray:4 3}
        .c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}.c4{fill:var(--c4)}.c5{fill:var(--c5)}.rest{fill:var(--rest)}.gain{fill:var(--ok)}.loss{fill:var(--bad)}
        .legend{display:flex;gap:14px;font-size:12px;color:var(--mut);flex-wrap:wrap;margin-top:4px}.key{width:10px;height:10px;display:inline-block;margin-right:5px}
        .scroll{overflow-x:auto}table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13px}
        th{font-weight:500;text-align:left}thead th{color:var(--mut)}th,td{padding:5px 6px;border-bottom:1px solid var(--line)}
        td.n,th.n{text-align:right}tbody tr:last-child>*{border-bottom:0}tfoot>tr>*{font-weight:600;border-top:1px solid var(--line);border-bottom:0}
        details summary{cursor:pointer;color:var(--acc);font-size:12px;margin-top:6px}
        @media(max-width:900px){section,.kpi{grid-column:span 12}}
        @media print{body{background:#fff}section{break-inside:avoid}}
        """
}
