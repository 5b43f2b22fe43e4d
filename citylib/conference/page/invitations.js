// The invitations of a room: their links, what they are for, and taking them back.
import { button, dateOf, icon, make } from "../js/dom.js";
import { createGuest } from "./plan.js";

export function createInvitations({ api, room, words, all, invitations, attempt }) {
  const list = make("ul", { className: "invitations" });
  const path = `rooms/${room.id}/invitations`;

  const copy = (one) => attempt(() => navigator.clipboard.writeText(one.link), words.link_is_copied);
  const withdraw = (one) => attempt(async () => {
    await api.remove(`${path}/${one.id}`);
    one.withdrawn = new Date().toISOString();
    draw();
  }, words.invitation_withdrawn);
  const stateOf = (one) => {
    if (one.withdrawn) return words.state_withdrawn;
    if (Date.parse(one.expires) < Date.now()) return words.state_expired;
    if (one.uses >= one.most_uses) return words.state_used;
    return null;
  };
  const line = (one) => {
    const state = stateOf(one);
    const facts = [words[`role_${one.role}`], words.say("uses", { uses: one.uses, most: one.most_uses }), words.say("until_time", { time: dateOf(one.expires, words.lang) }), one.timezone];
    const link = make("input", { type: "text", readOnly: true, value: one.link, "aria-label": words.say("link_of", { name: one.name || words.anybody }), on: { focus: ({ target }) => target.select() } });
    const mail = `mailto:${encodeURIComponent(one.email)}?subject=${encodeURIComponent(room.title)}&body=${encodeURIComponent(one.link)}`;
    return make(
      "li", { className: state ? "over" : "", "data-invitation": one.id },
      make("div", {}, make("strong", {}, one.name || words.anybody), one.email && ` ${one.email}`, make("p", { className: "facts" }, [state, ...facts].filter(Boolean).join(" · "))),
      !state && make("div", { className: "link" }, link, button("link", words.copy, () => copy(one))),
      !state && make("div", { className: "keys" },
        make("a", { className: "key", href: `/${one.ics.replace(/^\//, "")}`, download: "" }, words.ics),
        one.email && make("a", { className: "key", href: mail }, words.mail),
        button(null, words.withdraw, () => withdraw(one), { className: "bad" })),
    );
  };
  const draw = () => list.replaceChildren(...invitations.map(line));

  let guest = createGuest({ words, all });
  const form = make("form", { className: "form", on: {
    submit(event) {
      event.preventDefault();
      attempt(async () => {
        const { invitation } = await api.post(path, guest.value());
        invitations.unshift(invitation);
        draw();
        const next = createGuest({ words, all });
        guest.el.replaceWith(next.el);
        guest = next;
        await navigator.clipboard?.writeText(invitation.link).catch(() => {});
      }, words.invited);
    },
  } }, make("p", { className: "facts" }, words.guests_detail), guest.el, make("button", { type: "submit", className: "key" }, icon("link"), words.invitation_make));
  draw();
  const el = make("section", {}, make("h4", {}, words.invitations), list, make("details", { open: !invitations.length }, make("summary", { className: "key" }, words.guest_add), form));
  return { el };
}
