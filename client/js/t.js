/*! Tributary t.js, Apache-2.0. On every page of the store:
 *    <script src="https://EDGE/t.js" defer data-market="us"></script>
 * It keeps the newest click tokens in a first-party cookie, remembers when a sku first entered the present cart, and
 * takes links with ?tag= that point straight at the store. It reads nothing else, and sets nothing elsewhere.
 *
 *    tributary.cart(sku)     a sku entered the cart; the first time counts. Gives that time.
 *    tributary.removed(sku)  it left the cart.
 *    tributary.added(sku)    when it entered, as ISO 8601, or null: a line's added_at.
 *    tributary.tokens()      tokens of clicks, newest first, then of views: a line's clicks.
 *    tributary.view(sku, tag, seconds)  a creator's video was seen on the page of this sku. Tell it once it has run long
 *                            enough (5 s as shipped), with the creator's tag; a promise, true once a token is kept.
 *    tributary.ordered()     the cart became an order: its times are forgotten, the tokens stay.
 *    tributary.ready         a promise, kept once a direct link has its token: await it before tokens() at checkout.
 *
 * Attributes: data-market, data-parameter and data-cookie (both tclid), data-domain (to share the cookie between hosts). */
(function () {
  'use strict'
  var script = document.currentScript, data = script.dataset
  var edge = new URL(script.src).origin
  var parameter = data.parameter || 'tclid', cookie = data.cookie || 'tclid'
  var kept = 5, days = 90, skus = 200, store = 'tributary.cart', memory = {}
  var form = /^[\w-]{60,200}$/

  // Videos have a cookie of their own, so that watching many pushes no click out: five of each are what a line may carry.
  var views = cookie + '_v', watched = {}

  function read(name) {
    var found = ('; ' + document.cookie).split('; ' + name + '=')[1]
    return found ? found.split(';')[0].split('.').filter(function (t) { return form.test(t) }).slice(0, kept) : []
  }

  function tokens() { return read(cookie).concat(read(views)) }

  function keep(token, name) {
    if (!form.test(token)) return
    var all = [token].concat(read(name).filter(function (t) { return t !== token })).slice(0, kept)
    document.cookie = name + '=' + all.join('.') + '; path=/; max-age=' + days * 86400 + '; samesite=lax' +
      (data.domain ? '; domain=' + data.domain : '') + (location.protocol === 'https:' ? '; secure' : '')
  }

  // Storage may be full, off, or written by somebody else; then the times last as long as the page.
  function times() {
    try {
      var found = JSON.parse(localStorage.getItem(store))
      if (found && typeof found === 'object' && !Array.isArray(found)) memory = found
    } catch (e) {}
    return memory
  }

  function save(all) {
    memory = all
    try { localStorage.setItem(store, JSON.stringify(all)) } catch (e) {}
  }

  function added(sku) {
    var all = times(), at = Object.prototype.hasOwnProperty.call(all, sku) ? all[sku] : null
    return typeof at === 'string' && Date.now() - Date.parse(at) < days * 864e5 ? at : null
  }

  function cart(sku) {
    var at = added(sku)
    if (at) return at
    var all = times(), names = Object.keys(all)
    if (names.length >= skus) { // the oldest goes: a cart of this size is none
      names.sort(function (a, b) { return all[a] < all[b] ? -1 : 1 })
      delete all[names[0]]
    }
    at = all[sku] = new Date().toISOString()
    save(all)
    return at
  }

  function removed(sku) {
    var all = times()
    delete all[sku]
    save(all)
  }

  // The token leaves the address bar, so that nobody shares it; the rest of the address stays as it is written.
  function arrive() {
    var query = new URLSearchParams(location.search), token = query.get(parameter)
    if (token !== null) {
      keep(token, cookie)
      var rest = location.search.slice(1).split('&').filter(function (pair) { return pair.split('=')[0] !== parameter }).join('&')
      history.replaceState(history.state, '', location.pathname + (rest && '?' + rest) + location.hash)
      return
    }
    var tagged = ['tag', 'ref', 'via', 'aff', 'a_aid', 'fpr', 'rfsn'].some(function (name) { return query.get(name) })
    var how = (performance.getEntriesByType('navigation')[0] || {}).type
    if (!tagged || how === 'reload' || how === 'back_forward') return // the click was told when it happened
    return tell('/c', { market: data.market || '', address: location.href, referrer: document.referrer }, cookie)
  }

  // Text, so that the browser need not ask first. The shop goes on without us: true only where a token came and is kept.
  function tell(door, body, name) {
    return fetch(edge + door, {
      method: 'POST', keepalive: true, credentials: 'omit', body: JSON.stringify(body)
    }).then(function (answer) { return answer.json() }).then(function (answer) {
      if (answer.token) keep(answer.token, name)
      return !!answer.token
    }).catch(function () { return false })
  }

  // Told once a page: a player that tells every second is one view.
  function view(sku, tag, seconds) {
    var key = JSON.stringify([sku, tag])
    return watched[key] = watched[key] || tell('/view',
      { marketplace: data.market || '', sku: sku, tag: tag, seconds: Math.floor(seconds) }, views
    ).then(function (got) {
      if (!got) delete watched[key] // too short yet: it may be told again
      return got
    })
  }

  // A page that is prepared ahead has not been visited yet.
  var ready = (document.prerendering ? new Promise(function (visited) {
    document.addEventListener('prerenderingchange', visited, { once: true })
  }).then(arrive) : Promise.resolve(arrive())).then(function () {}, function () {})

  window.tributary = {
    cart: cart, removed: removed, added: added, tokens: tokens, view: view, ready: ready,
    ordered: function () { save({}) }
  }
})()
