// Where a person wanted to go before a page came in between.

/** Only a path of our own: an address from elsewhere must not lead people away after signing in. */
export function wanted() {
  const next = new URLSearchParams(location.search).get("next");
  if (!next) return null;
  const address = new URL(next, location.origin);
  return address.origin === location.origin && next.startsWith("/")
    ? address.pathname + address.search + address.hash
    : null;
}
