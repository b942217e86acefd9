export const style = `
body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.15rem .7rem .15rem 0;text-align:left;font-weight:normal}
th{color:#656d76}td:nth-child(n+3){color:#444}.scroll{overflow:auto;max-height:32rem}
.scroll table,td b{white-space:nowrap}.plots{display:flex;flex-wrap:wrap;gap:1rem}.bar{height:.6rem;background:#3b82f6}
.confusion td{min-width:1.3rem;padding:.1rem .2rem;text-align:center;font-size:.7rem}.confusion th{font-size:.7rem;padding:.1rem .2rem}
.samples{display:flex;flex-wrap:wrap;gap:.7rem}figure{margin:0;width:6.4rem;font-size:.75rem;border-top:3px solid #22a06b;padding-top:.3rem}
figure.wrong{border-color:#d64545}img{width:6.4rem;image-rendering:pixelated;display:block}
.warnings{border-left:4px solid #d64545;padding-left:1.5rem}
pre{background:#f6f8fa;padding:1rem;overflow:auto;font-size:.8rem}`;

/** Runs in the page: draws every [data-curve] with uPlot. */
export const plotScript = `
const colours=["#3b82f6","#d64545","#22a06b","#a855f7","#f59e0b","#0891b2","#db2777","#65a30d","#78716c","#4338ca"];
const width=Math.min(500,document.body.clientWidth-32);
const wholeSteps=[1,2,5,10,20,50,100,200,500,1000,2000,5000,10000];
for(const element of document.querySelectorAll("[data-curve]")){
  const curve=JSON.parse(element.dataset.curve);
  new uPlot({title:curve.title,width,height:260,scales:{x:{time:false}},
    axes:[{label:curve.xLabel,...(curve.x.every(Number.isInteger)&&{incrs:wholeSteps})},{size:60}],
    series:[{label:curve.xLabel},...curve.series.map((s,i)=>({label:s.name,stroke:colours[i%colours.length],width:2,points:{show:curve.x.length<60}}))]},
    [curve.x,...curve.series.map(s=>s.y)],element);
}`;
