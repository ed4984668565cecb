// What the shop's pages add to t.js, as the guide for integrators shows it. Every page works without this file: then the
// server's own cookie carries the tokens, and its own cart the times.
'use strict'
const script = window.tributary

for (const form of document.querySelectorAll('form[data-cart]')) {
  form.addEventListener('submit', () => {
    if (!script) return
    for (const field of form.querySelectorAll('[name=sku]')) {
      if (form.dataset.cart === 'add') script.cart(field.value)
      else if (form.elements.quantity.value === '0') script.removed(field.value)
    }
  })
}

const checkout = document.querySelector('form[data-checkout]')
if (checkout && script) {
  const fill = () => { checkout.elements.tokens.value = script.tokens().join(' ') }
  script.ready.then(fill)
  checkout.addEventListener('submit', fill)
}

if (document.querySelector('[data-ordered]') && script) script.ordered()

// Lists take effect when chosen; without script their button does.
for (const field of document.querySelectorAll('select[data-now]')) {
  field.form.classList.add('scripted')
  field.addEventListener('change', () => field.form.requestSubmit())
}

// The page of an order looks again while events wait for the platform's answer, so that it can be seen arriving; a
// platform that is away is not asked for ever.
const waiting = document.querySelector('[data-waiting]')
const looked = (history.state && history.state.looked) || 0
if (waiting && waiting.dataset.waiting !== '0' && looked < 6) {
  setTimeout(() => {
    history.replaceState({ looked: looked + 1 }, '')
    location.reload()
  }, 700 * (looked + 1))
} else if (looked) {
  history.replaceState(null, '')
}
