// Looks at a report as it is laid out, and says what a reader would stumble over. Run in the page by html_report.rs.
for (const details of document.querySelectorAll('details')) details.open = true;
const wrong = [];
const seen = element => element.getBoundingClientRect().width > 0;
if (document.documentElement.scrollWidth > innerWidth) wrong.push(`the page is ${document.documentElement.scrollWidth} wide`);
for (const element of document.querySelectorAll('body *')) {
  if (element.closest('svg') || element.closest('.scroll') || element.matches('.skip')) continue;
  if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0) wrong.push(`overflows: ${element.outerHTML.slice(0, 90)}`);
}
const charts = [...document.querySelectorAll('svg')].filter(seen);
for (const chart of charts) {
  const frame = chart.getBoundingClientRect();
  if (frame.width < 300 || frame.height < 100) wrong.push(`a chart of ${frame.width} x ${frame.height}`);
  const title = chart.querySelector('title'), words = chart.querySelector('desc');
  if (!title.textContent || !words.textContent || chart.getAttribute('role') !== 'img') wrong.push('a chart without words');
  const texts = [...chart.querySelectorAll('text')].map(text => ({ said: text.textContent, box: text.getBoundingClientRect() }));
  for (const { said, box } of texts) {
    if (box.height < 11) wrong.push(`${title.textContent}: ${said} is ${box.height} high`);
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
      wrong.push(`${title.textContent}: ${said} leaves the chart`);
  }
  for (let i = 0; i < texts.length; i++) for (let j = 0; j < i; j++) {
    const [a, b] = [texts[i].box, texts[j].box];
    if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 4 && b.top < a.bottom - 4)
      wrong.push(`${title.textContent}: ${texts[i].said} lies on ${texts[j].said}`);
  }
}
const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
if (new Set(ids).size !== ids.length) wrong.push('an id twice');
for (const link of document.querySelectorAll('a[href^="#"]'))
  if (!document.getElementById(link.getAttribute('href').slice(1))) wrong.push(`a link to nowhere: ${link.outerHTML}`);
const light = colour => {
  const [r, g, b] = colour.match(/[\d.]+/g).map(Number).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = element => {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (!/, 0\)$/.test(colour)) return colour;
  }
  return 'rgb(255, 255, 255)';
};
for (const element of document.querySelectorAll('body *')) {
  if (!seen(element) || ![...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())) continue;
  if (element.closest('svg') && element.tagName !== 'text') continue;
  const style = getComputedStyle(element);
  const pair = [light(element.tagName === 'text' ? style.fill : style.color), light(ground(element))].sort((a, b) => b - a);
  const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
  if (contrast < 4.5) wrong.push(`contrast ${contrast.toFixed(1)}: ${element.outerHTML.slice(0, 90)}`);
}
return { wrong, charts: charts.length, ground: getComputedStyle(document.body).backgroundColor };
