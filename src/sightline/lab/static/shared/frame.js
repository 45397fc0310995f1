/** What every page does: takes the token, which the cookie has by now, out of the address that a reader may share. */

const address = new URL(location.href);
if (address.searchParams.has("token")) {
  address.searchParams.delete("token");
  history.replaceState(history.state, "", address);
}
document.documentElement.classList.add("scripted");
