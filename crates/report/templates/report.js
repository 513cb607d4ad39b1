'use strict';
(() => {
  const root = document.documentElement;
  const form = document.querySelector('.filters');
  const output = form.querySelector('output');
  const nothing = document.getElementById('nothing');
  const findings = [...document.querySelectorAll('.finding')];
  const groups = [...document.querySelectorAll('.group')];
  const dialog = document.getElementById('detail');
  const texts = new Map();
  let current = null;
  root.classList.add('js');

  // Folding.
  const fold = (finding, open) => {
    finding.classList.toggle('is-open', open);
    finding.querySelector('.toggle').setAttribute('aria-expanded', String(open));
  };
  const isOpen = (finding) => finding.classList.contains('is-open');
  const work = new Set(['violated', 'missing', 'undetermined', 'not-assessed']);
  const asked = findings.filter((finding) => work.has(finding.dataset.verdict));
  for (const finding of findings) {
    fold(finding, asked.length <= 60 && work.has(finding.dataset.verdict));
  }

  // Filtering.
  const words = new Map();
  const wordsOf = (finding) => {
    if (!words.has(finding)) words.set(finding, finding.textContent.toLowerCase());
    return words.get(finding);
  };
  const filter = () => {
    const data = new FormData(form);
    const verdicts = new Set(data.getAll('verdict'));
    const search = data.get('text').toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const finding of findings) {
      const own = finding.dataset;
      const fits = verdicts.has(own.verdict)
        && ['document', 'pack', 'severity'].every((name) => !data.get(name) || data.get(name) === own[name])
        && search.every((word) => wordsOf(finding).includes(word));
      finding.hidden = !fits;
      if (fits) shown += 1;
    }
    for (const group of groups) group.hidden = !group.querySelector('.finding:not([hidden])');
    nothing.hidden = shown > 0;
    output.textContent = `${shown} of ${findings.length} findings`;
  };
  let waiting = 0;
  form.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(filter, 120); });
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(filter));

  // Moving.
  const visible = () => findings.filter((finding) => !finding.hidden);
  const go = (finding) => {
    if (!finding) return;
    if (current) current.tabIndex = -1;
    current = finding;
    current.tabIndex = 0;
    finding.focus({ preventScroll: true });
    finding.scrollIntoView({ block: 'nearest' });
  };
  const step = (by) => {
    const list = visible();
    const at = list.indexOf(current);
    if (at < 0) return list[0];
    return list[Math.min(Math.max(at + by, 0), list.length - 1)];
  };
  if (findings.length) { current = findings[0]; current.tabIndex = 0; }

  // An address such as #f12 or #f12-E1 leads to its finding, folded or filtered away or not.
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const finding = target && target.closest('.finding');
    if (!finding) return;
    if (finding.hidden) { form.reset(); filter(); }
    fold(finding, true);
    const details = target.closest('details');
    if (details) details.open = true;
    go(finding);
    target.scrollIntoView({ block: 'start' });
  };
  addEventListener('hashchange', reveal);

  // Side by side. Texts enter the page as text nodes only.
  const element = (name, className, text) => {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const data = (id) => {
    if (!texts.has(id)) {
      const block = document.getElementById(id);
      texts.set(id, block ? JSON.parse(block.textContent) : null);
    }
    return texts.get(id);
  };
  const number = (node, name) => Number(node.dataset[name]);
  const markOf = (figure) => ({
    id: figure.dataset.id, kind: figure.dataset.kind, from: number(figure, 'from'), to: number(figure, 'to'),
  });
  // Puts text[from..to] into a node, with the marks and headings that lie in it.
  const fill = (node, text, from, to, marks, headings) => {
    const near = (range) => range.from < to && range.to > from;
    const inMarks = marks.filter(near);
    const inHeadings = headings.filter(([start, end]) => start < to && end > from);
    const cuts = new Set([from, to]);
    const cut = (at) => { if (at > from && at < to) cuts.add(at); };
    for (const range of inMarks) { cut(range.from); cut(range.to); }
    for (const [start, end] of inHeadings) { cut(start); cut(end); }
    const points = [...cuts].sort((a, b) => a - b);
    for (let i = 0; i + 1 < points.length; i += 1) {
      const [start, end] = [points[i], points[i + 1]];
      const mark = inMarks.find((range) => range.from <= start && range.to >= end);
      const heading = inHeadings.some(([first, last]) => first <= start && last >= end);
      const words = text.slice(start, end);
      if (!mark && !heading) { node.append(words); continue; }
      const piece = element(mark ? 'mark' : 'span', '', words);
      if (mark && mark.kind) piece.classList.add(mark.kind);
      if (heading) piece.classList.add('heading');
      if (mark) {
        piece.dataset.mark = mark.id;
        if (mark.from === start) piece.dataset.id = mark.id;
      }
      node.append(piece);
    }
  };
  // Where blocks begin: at pages, and at line breaks some thousand characters apart.
  const BLOCK = 6000;
  const blocks = (text, pages) => {
    const starts = new Map([[0, 0]]);
    pages.forEach((at, index) => starts.set(at, index + 1));
    const ends = [...starts.keys(), text.length].sort((a, b) => a - b);
    const result = [];
    for (let i = 0; i + 1 < ends.length; i += 1) {
      let at = ends[i];
      let page = starts.get(at);
      while (at < ends[i + 1]) {
        let end = ends[i + 1];
        if (end - at > BLOCK) {
          const line = text.indexOf('\n', at + BLOCK);
          if (line >= 0 && line + 1 < end) end = line + 1;
        }
        result.push({ at, end, page });
        page = 0;
        at = end;
      }
    }
    return result;
  };
  const show = (finding) => {
    const pane = dialog.querySelector('.document');
    pane.replaceChildren();
    const source = data(`d${finding.dataset.document}`);
    if (!source) { pane.append(element('p', 'none', 'The text of this document is not part of the report.')); return; }
    const marks = [...finding.querySelectorAll('.quote:not(.law)')].map(markOf);
    for (const { at, end, page } of blocks(source.text, source.pages)) {
      if (page) pane.append(element('p', 'page', `page ${page}`));
      const block = element('div', 'block');
      block.dir = 'auto';
      if (source.language) block.lang = source.language;
      fill(block, source.text, at, end, marks, source.headings);
      pane.append(block);
    }
  };
  const cite = (finding) => {
    const pane = dialog.querySelector('.passages');
    pane.replaceChildren();
    const figures = [...finding.querySelectorAll('.quote.law')];
    if (!figures.length) pane.append(element('p', 'none', 'No passage is cited.'));
    for (const figure of figures) {
      const source = data('passages')[number(figure, 'passage')];
      const box = element('article', 'passage');
      const head = element('header');
      head.append(element('b', '', `${source.label} ${source.short_title}`), ` · version ${source.version} · ${source.language} `);
      if (source.paraphrase) head.append(element('span', 'paraphrase', 'paraphrase, not the official text'));
      if (source.headings) head.append(element('div', 'place', source.headings));
      box.append(head);
      const words = element('div', 'words');
      words.lang = source.language;
      words.dir = 'auto';
      if (source.context) words.append(element('span', 'context', `${source.context} `));
      fill(words, source.text, 0, source.text.length, [markOf(figure)], []);
      box.append(words);
      pane.append(box);
    }
  };
  const focusMark = (id) => {
    for (const mark of dialog.querySelectorAll('mark.now')) mark.classList.remove('now');
    const marks = [...dialog.querySelectorAll('mark')].filter((mark) => mark.dataset.mark === id);
    for (const mark of marks) mark.classList.add('now');
    // Twice: the first time may lay out blocks that move the mark.
    for (let i = 0; i < 2 && marks.length; i += 1) marks[0].scrollIntoView({ block: 'center' });
  };
  const open = (finding) => {
    if (!finding || !finding.querySelector('.open')) return;
    current = finding;
    dialog.className = [...finding.classList].find((name) => name.startsWith('v-')) || '';
    dialog.querySelector('.badge').textContent = finding.querySelector('.badge').textContent.trim();
    dialog.querySelector('h2').textContent = finding.querySelector('h4').textContent;
    dialog.querySelector('.path').textContent = finding.querySelector('.path').textContent;
    const reason = dialog.querySelector('.reason');
    reason.replaceChildren();
    for (const name of ['.statement', '.why']) {
      const part = finding.querySelector(name);
      if (part) reason.append(part.cloneNode(true));
    }
    show(finding);
    cite(finding);
    if (!dialog.open) dialog.showModal();
    dialog.querySelector('.document').scrollTop = 0;
    dialog.querySelector('.passages').scrollTop = 0;
    reason.scrollTop = 0;
    dialog.querySelector('h2').focus();
    const first = finding.querySelector('.quote.evidence') || finding.querySelector('.quote.read');
    if (first) focusMark(first.dataset.id);
  };
  const turn = (by) => {
    let finding = step(by);
    while (finding && finding !== current && !finding.querySelector('.open')) {
      const before = current;
      current = finding;
      finding = step(by);
      if (finding === current) { current = before; return; }
    }
    open(finding);
  };
  dialog.addEventListener('close', () => go(current));

  document.addEventListener('click', (event) => {
    const target = event.target;
    const ref = target.closest('a.ref');
    if (ref && dialog.contains(ref)) {
      event.preventDefault();
      focusMark(ref.textContent);
      return;
    }
    const act = target.closest('[data-act]');
    if (act) {
      const acts = {
        expand: () => visible().forEach((finding) => fold(finding, true)),
        collapse: () => visible().forEach((finding) => fold(finding, false)),
        previous: () => turn(-1),
        next: () => turn(1),
        close: () => dialog.close(),
      };
      acts[act.dataset.act]();
      return;
    }
    const finding = target.closest('.finding');
    if (!finding) return;
    if (target.closest('.open')) { go(finding); open(finding); return; }
    if (target.closest('.head') && !String(getSelection())) { fold(finding, !isOpen(finding)); go(finding); }
  });

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    const typing = target.closest('input[type=search], select');
    if (typing) {
      if (event.key === 'Escape') { target.blur(); event.preventDefault(); }
      return;
    }
    if (dialog.open) {
      if (event.key === 'j') turn(1);
      if (event.key === 'k') turn(-1);
      return;
    }
    const onFinding = target.classList.contains('finding');
    const handle = {
      j: () => go(step(document.activeElement === current ? 1 : 0)),
      k: () => go(step(document.activeElement === current ? -1 : 0)),
      '/': () => form.elements.text.focus(),
    };
    if (onFinding) {
      handle.ArrowDown = handle.j;
      handle.ArrowUp = handle.k;
      handle.Enter = () => open(target);
      handle[' '] = () => fold(target, !isOpen(target));
    }
    if (handle[event.key]) { event.preventDefault(); handle[event.key](); }
  });
  document.addEventListener('focusin', (event) => {
    const finding = event.target.closest('.finding');
    if (finding && finding !== current) {
      if (current) current.tabIndex = -1;
      current = finding;
      current.tabIndex = 0;
    }
  });
  addEventListener('beforeprint', () => {
    for (const details of document.querySelectorAll('details:not([open])')) {
      details.dataset.printed = '';
      details.open = true;
    }
  });
  addEventListener('afterprint', () => {
    for (const details of document.querySelectorAll('details[data-printed]')) {
      delete details.dataset.printed;
      details.open = false;
    }
  });
  filter();
  reveal();
})();
