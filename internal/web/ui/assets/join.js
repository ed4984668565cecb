// Keeps a form as it is filled in. Without it, the form's own button does.
(() => {
  'use strict';

  const form = document.querySelector('form[data-keep]');
  const said = document.querySelector('[data-kept]');
  if (!form || !said) return;
  let waiting = null;
  let running = Promise.resolve();

  const keep = async () => {
    const data = new URLSearchParams(new FormData(form));
    data.delete('site'); // an address is added with its own button
    data.set('do', 'save');
    try {
      const answer = await fetch(form.action, { method: 'POST', body: data });
      if (answer.status === 204) {
        said.textContent = `Saved at ${new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}`;
      } else if (answer.status === 422) {
        said.textContent = `Not saved: ${await answer.text()}`;
      } else {
        said.textContent = 'Not saved. Press “Save for later”.';
      }
    } catch {
      said.textContent = 'Not saved: no connection.';
    }
  };
  // One after another, so that an older state never comes behind a newer one.
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { running = running.then(keep); }, 600);
  };
  form.addEventListener('change', soon);
  form.querySelector('textarea[name="about"]')?.addEventListener('input', soon);
  form.addEventListener('submit', () => clearTimeout(waiting));
})();
