// Preloaded (node --require): a server that would listen on all interfaces listens on 127.0.0.1 alone.
const net = require('node:net');
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...given) {
  const [first] = given;
  if (typeof first === 'object' && first !== null && 'port' in first) {
    given[0] = { ...first, host: '127.0.0.1' };
  } else if (first === undefined || typeof first === 'function' || /^\d+$/.test(String(first))) {
    const done = given.filter(one => typeof one === 'function');
    given = [{ port: Number(first) || 0, host: '127.0.0.1' }, ...done];
  }
  return listen.apply(this, given);
};
