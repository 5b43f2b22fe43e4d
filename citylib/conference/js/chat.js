// What is written: to all, or to one.
import { button, field, make, timeOf } from "./dom.js";

const ADDRESS = /(https?:\/\/[^\s<>"']+)/;

// Addresses can be followed; everything else stays the text that it is.
function textOf(text) {
  return text.split(ADDRESS).map((part, place) => (place % 2 ? make("a", { href: part, target: "_blank", rel: "noopener noreferrer" }, part) : part));
}

export function createChat({ room, words }) {
  const list = make("ol", { className: "lines", tabIndex: 0, "aria-label": words.chat });
  const input = make("textarea", { rows: 2, maxLength: 2000, placeholder: words.chat_write, "aria-label": words.chat_write, enterkeyhint: "send" });
  const to = make("select");
  const form = make(
    "form", { className: "write" },
    field(words.chat_to, to),
    make("div", { className: "write-line" }, input, button("send", words.chat_send, () => form.requestSubmit(), { className: "main small" })),
  );
  const el = make("section", { className: "chat", "aria-label": words.chat }, list, form);
  let unread = 0;

  const send = (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    if (room.say(text, to.value || null) !== false) input.value = "";
    input.focus();
  };
  form.addEventListener("submit", send);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
  });
  const line = ({ who, name, text, time, to: only }) => {
    const own = who === room.you;
    const head = make("p", { className: "line-head" }, make("strong", {}, own ? words.say("you", { name }) : name), " ", make("time", { dateTime: time }, timeOf(time, words.lang)));
    if (only) head.append(make("span", { className: "only" }, own ? words.say("chat_only_to", room.participants.get(only) ?? { name: "" }) : words.chat_only_you));
    return make("li", { className: own ? "own" : "" }, head, make("p", { className: "line-text" }, ...textOf(text)));
  };
  const said = ({ detail }) => {
    const low = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    list.append(line(detail));
    if (low) list.scrollTop = list.scrollHeight;
    if (detail.who !== room.you && !el.isConnected) unread += 1;
  };
  const whole = () => list.replaceChildren(...room.chat.map(line));
  const people = () => {
    const now = to.value;
    const others = [...room.participants.values()].filter((one) => one.id !== room.you);
    to.replaceChildren(make("option", { value: "" }, words.chat_to_all), ...others.map(({ id, name }) => make("option", { value: id, selected: id === now }, name)));
  };
  room.addEventListener("said", said);
  room.addEventListener("chat", whole);
  room.addEventListener("participants", people);
  whole();
  people();

  return {
    el,
    input,
    get unread() {
      return unread;
    },
    opened() {
      unread = 0;
      list.scrollTop = list.scrollHeight;
    },
    close() {
      room.removeEventListener("said", said);
      room.removeEventListener("chat", whole);
      room.removeEventListener("participants", people);
    },
  };
}
