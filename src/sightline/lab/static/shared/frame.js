/**
 * What every page does: takes the token out of the address, once the cookie has it, so that it is not shared by
 * accident.
 */

const address = new URL(location.href);
if (address.searchParams.has("token")) {
  address.searchParams.delete("token");
  history.replaceState(history.state, "", address);
}
document.documentElement.classList.add("scripted");
