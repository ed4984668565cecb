// Makes pages live. Every page works without it: it copies, it listens, it replaces parts, and nothing else.
(() => {
  'use strict';

  for (const button of document.querySelectorAll('[data-copy]')) button.hidden = false;
  document.querySelector('.made [data-copy]')?.focus(); // a link that was just made is copied with one key
  document.addEventListener('click', async (event) => {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const field = button.parentElement.querySelector('input');
      if (field) field.select();
      return;
    }
    const said = button.textContent;
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = said; }, 1600);
  });

  for (const form of document.querySelectorAll('form[data-auto]')) {
    form.addEventListener('change', () => form.requestSubmit());
  }

  // Keys of a queue: each presses what is marked with it, unless somebody is typing. They can be turned off.
  const keysOff = () => { try { return localStorage.getItem('keys') === 'off'; } catch { return false; } };
  for (const button of document.querySelectorAll('[data-keys]')) {
    const say = () => { button.textContent = keysOff() ? 'Turn keys on' : 'Turn keys off'; };
    button.hidden = false;
    say();
    button.addEventListener('click', () => {
      try { localStorage.setItem('keys', keysOff() ? 'on' : 'off'); } catch { /* nothing is kept here: they stay on */ }
      say();
    });
  }
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || keysOff()) return;
    if (event.target.closest('input, textarea, select, [contenteditable]')) return;
    const marked = event.key.length === 1 && document.querySelector(`[data-press="${CSS.escape(event.key)}"]`);
    if (!marked) return;
    event.preventDefault();
    if (marked.matches('summary')) {
      marked.parentElement.open = true;
      const first = marked.parentElement.querySelector('select, textarea, input:not([type="hidden"])') ?? marked;
      setTimeout(() => first.focus()); // behind the key's own letter, which belongs to nobody
      return;
    }
    marked.click();
  });

  // What is replaced keeps the focus, and only rows that are new or changed light up.
  const place = (fresh) => {
    const old = document.querySelector(`[data-part="${fresh.dataset.part}"]`);
    if (!old || old.innerHTML === fresh.innerHTML) return;
    const before = new Map();
    for (const row of old.querySelectorAll('[data-key]')) before.set(row.dataset.key, row.dataset.state);
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    for (const row of fresh.querySelectorAll('[data-key]')) {
      if (before.get(row.dataset.key) !== row.dataset.state) row.classList.add('fresh');
    }
    old.replaceWith(fresh);
    if (focused) fresh.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  };

  // A part that says so is asked for again until it no longer does; then the whole page has changed.
  const again = async () => {
    const part = document.querySelector('[data-again]');
    if (!part) return;
    await new Promise((done) => setTimeout(done, Number(part.dataset.again)));
    try {
      const answer = await fetch(location.href);
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      if (answer.ok && !page.querySelector('[data-again]')) {
        location.reload();
        return;
      }
      for (const fresh of page.querySelectorAll('[data-part]')) place(document.adoptNode(fresh));
    } catch { /* the server is away for a moment: the next look finds it */ }
    again();
  };
  again();

  const stream = document.body.dataset.stream;
  if (!stream || !window.EventSource) return;

  const listen = () => {
    const source = new EventSource(stream);
    const pulse = (on) => { for (const dot of document.querySelectorAll('.pulse')) dot.classList.toggle('on', on); };
    source.addEventListener('open', () => pulse(true));
    source.addEventListener('error', () => pulse(false));
    source.addEventListener('page', (event) => {
      const holder = document.createElement('template');
      holder.innerHTML = event.data;
      for (const part of holder.content.querySelectorAll('[data-part]')) place(part);
      pulse(true);
      document.dispatchEvent(new Event('tributary:live'));
    });
    addEventListener('pagehide', () => source.close(), { once: true });
  };
  listen();
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
})();
