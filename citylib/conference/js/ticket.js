// The ticket by which a page that is loaded again is the same participant; it ends with the tab.
export function createTicket(door, given = null) {
  const place = `conference:${door}`;
  let now = given;
  const stored = (work) => {
    try {
      return work(sessionStorage);
    } catch {
      return null; // a browser that keeps nothing: a reload is somebody new
    }
  };
  now ??= stored((kept) => kept.getItem(place));
  return {
    get: () => now,
    keep(ticket) {
      now = ticket;
      stored((kept) => (ticket ? kept.setItem(place, ticket) : kept.removeItem(place)));
    },
  };
}
