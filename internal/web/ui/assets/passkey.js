// Passkeys: the one thing here that needs script. Without it the buttons stay hidden, and the other ways in are there.
(() => {
  'use strict';
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

  // Options come as JSON, in which bytes are base64url; so does what goes back.
  const read = (options) => {
    const key = structuredClone(options.publicKey);
    key.challenge = bytes(key.challenge);
    if (key.user) key.user.id = bytes(key.user.id);
    for (const list of ['excludeCredentials', 'allowCredentials']) for (const one of key[list] ?? []) one.id = bytes(one.id);
    return key;
  };
  const write = (made) => {
    const answer = {};
    for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
      if (made.response[name]) answer[name] = text(made.response[name]);
    }
    if (made.response.getTransports) answer.transports = made.response.getTransports();
    return { id: made.id, rawId: text(made.rawId), type: made.type, response: answer,
      authenticatorAttachment: made.authenticatorAttachment ?? undefined, clientExtensionResults: made.getClientExtensionResults() };
  };

  const ask = async (address, body) => {
    const answer = await fetch(address, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body ?? {}) });
    if (answer.redirected) { location.href = answer.url; return new Promise(() => {}); } // a proof is asked for first
    if (!(answer.headers.get('Content-Type') ?? '').startsWith('application/json')) throw new Error('The server did not answer. Try again in a moment.');
    const result = await answer.json();
    if (!answer.ok) throw new Error(result.error);
    return result;
  };

  let waiting; // the ceremony that waits in a field's suggestions
  const run = async (part, quietly) => {
    const alert = part.querySelector('[role="alert"]');
    alert.textContent = '';
    waiting?.abort();
    waiting = new AbortController();
    const { signal } = waiting;
    try {
      const options = await ask(part.dataset.passkey);
      const key = read(options);
      const made = key.user
        ? await navigator.credentials.create({ publicKey: key, signal })
        : await navigator.credentials.get({ publicKey: key, signal, mediation: quietly ? 'conditional' : 'optional' });
      let finish = part.dataset.finish;
      const name = part.querySelector('input[name="name"]')?.value;
      if (name) finish += (finish.includes('?') ? '&' : '?') + 'name=' + encodeURIComponent(name);
      const result = await ask(finish, write(made));
      location.href = result.to;
    } catch (error) {
      if (quietly || error.name === 'AbortError') return;
      alert.textContent = error.name === 'NotAllowedError' ? 'It was cancelled, or took too long. Try again.'
        : error.name === 'InvalidStateError' ? 'This device has a passkey for your account already.' : error.message;
    }
  };

  for (const part of document.querySelectorAll('[data-passkey]')) {
    part.hidden = false;
    part.querySelector('button').addEventListener('click', () => run(part, false));
  }
  // A passkey is offered where the address is typed, too.
  const field = document.querySelector('input[autocomplete~="webauthn"]');
  const part = document.querySelector('[data-passkey]');
  if (field && part && PublicKeyCredential.isConditionalMediationAvailable) {
    field.addEventListener('focus', async () => { if (await PublicKeyCredential.isConditionalMediationAvailable()) run(part, true); }, { once: true });
  }
})();
