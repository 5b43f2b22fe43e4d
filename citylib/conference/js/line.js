// The websocket to the service: it comes back by itself, and notices when nothing is heard any more.
const SILENCE = 4000; // ms without a word after which a connection counts as dead
const OPENING = 4000; // ms that opening one may take
const WAITS = [0, 300, 600, 1000, 1000, 1500, 2000, 3000];

// `hello()`: the messages that begin each connection. `on.message(object)`, `on.up()`, `on.down()`.
export function createLine({ url, hello, on }) {
  let socket = null;
  let tries = 0;
  let heard = 0;
  let beats = false; // the service says something every second: silence means that it is gone
  let begun = 0;
  let timer = 0;
  let over = false;

  const drop = () => {
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    socket = null;
  };
  const again = () => {
    drop();
    clearTimeout(timer);
    if (over) return;
    on.down();
    const wait = WAITS[Math.min(tries, WAITS.length - 1)];
    tries += 1;
    timer = setTimeout(open, wait * (0.7 + 0.6 * Math.random()));
  };
  const open = () => {
    drop();
    clearTimeout(timer);
    begun = Date.now();
    beats = false;
    socket = new WebSocket(url);
    socket.onopen = () => {
      heard = Date.now();
      for (const message of hello()) socket.send(JSON.stringify(message));
      on.up();
    };
    socket.onmessage = ({ data }) => {
      heard = Date.now();
      tries = 0;
      const message = JSON.parse(data);
      if (message.type === "beat") beats = true;
      else on.message(message);
    };
    socket.onclose = again;
  };
  const look = () => {
    if (over || !socket) return;
    const now = Date.now();
    if (socket.readyState === WebSocket.CONNECTING ? now - begun > OPENING : beats && now - heard > SILENCE) again();
  };
  // A network that is there again, a phone that wakes up: no waiting for the next try.
  const wake = () => {
    if (over || document.hidden) return;
    if (socket) return look();
    tries = Math.min(tries, 1);
    open();
  };
  const ticking = setInterval(look, 500);
  addEventListener("online", wake);
  document.addEventListener("visibilitychange", wake);
  open();

  return {
    // Whether it went out; what is said into a dead line is lost, and said anew after coming back.
    send(message) {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(message));
      return true;
    },
    // The connection is in doubt: begin another one at once.
    renew: () => !over && again(),
    close() {
      over = true;
      clearTimeout(timer);
      clearInterval(ticking);
      removeEventListener("online", wake);
      document.removeEventListener("visibilitychange", wake);
      // What was said last still goes out: close() sends before it closes.
      drop();
    },
  };
}
