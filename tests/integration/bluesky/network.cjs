// A Bluesky of one's own: node network.cjs pds|full PDS_PORT, run in the folder its packages are installed in.
//
// pds: one personal data server with its login limits. full: with the AppView that counts likes, reposts, replies and followers,
// over $DB_POSTGRES_URL and $REDIS_HOST; what people write to `brand.test` is dated $MENTIONED_AT. Prints READY and, as JSON, the
// identity of the account `brand.test` and of those who write to it.
const path = require('node:path');
const { createRequire } = require('node:module');
const installed = createRequire(path.join(process.cwd(), 'package.json'));
const { TestNetwork, TestNetworkNoAppView } = installed('@atproto/dev-env');

const [kind, port] = [process.argv[2], Number(process.argv[3])];
const FANS = ['fan1', 'fan2', 'fan3'];
const POSTS = 105; // two pages of the 100 that the kind asks for
const PATIENCE = 120_000; // milliseconds

async function start() {
  const pds = { port, hostname: 'localhost', enableDidDocWithSession: true };
  if (kind === 'pds') return TestNetworkNoAppView.create({ pds: { ...pds, rateLimitsEnabled: true } });
  return TestNetwork.create({
    dbPostgresSchema: 'dev',
    pds,
    ozone: { chatUrl: 'http://localhost:1', chatDid: 'did:example:chat', dbMaterializedViewRefreshIntervalMs: 3600_000 },
  });
}

// The posts of the brand, one an hour, in one commit; their references, the oldest first.
async function post(client, brand) {
  const collection = 'app.bsky.feed.post';
  const writes = Array.from({ length: POSTS }, (_, number) => {
    const createdAt = new Date(Date.now() - (POSTS - number) * 3600_000).toISOString();
    const value = { $type: collection, text: `お茶の季節です ${number}`, createdAt, langs: ['ja'] };
    return { $type: 'com.atproto.repo.applyWrites#create', collection, value };
  });
  const options = { encoding: 'application/json', headers: client.getHeaders(brand) };
  const { data } = await client.agent.com.atproto.repo.applyWrites({ repo: brand, writes }, options);
  return data.results.map(({ uri, cid }) => ({ raw: { uri, cid }, uriStr: uri, cidStr: cid }));
}

async function seed(network) {
  const client = network.getSeedClient();
  const people = kind === 'pds' ? ['brand'] : ['brand', ...FANS];
  for (const name of people) {
    await client.createAccount(name, { handle: `${name}.test`, email: `${name}@example.com`, password: process.env.PASSWORD });
  }
  const brand = client.dids.brand;
  if (kind === 'pds') return { did: brand };
  const posts = await post(client, brand);
  await network.processAll(PATIENCE); // a reply to a post that the network does not know yet is told to nobody
  for (const [index, name] of FANS.entries()) {
    const fan = client.dids[name];
    await client.follow(fan, brand);
    for (let number = 0; number < POSTS; number += 10 * (index + 1)) await client.like(fan, posts[number]);
    await client.repost(fan, posts[POSTS - 1]);
    await client.reply(fan, posts[POSTS - 2], posts[POSTS - 2], 'おいしかったです');
    const text = '@brand.test 大好き';
    const facets = [{ index: { byteStart: 0, byteEnd: 11 }, features: [{ $type: 'app.bsky.richtext.facet#mention', did: brand }] }];
    await client.post(fan, text, facets, undefined, undefined, { createdAt: process.env.MENTIONED_AT });
  }
  await network.processAll(PATIENCE);
  return { did: brand, posts: POSTS, fans: Object.fromEntries(FANS.map(name => [name, client.dids[name]])) };
}

start()
  .then(async network => {
    const seeded = await seed(network);
    console.log('READY', JSON.stringify({ ...seeded, pds: network.pds.url, appview: network.bsky?.url, plc: network.plc.url }));
  })
  .catch(error => {
    console.error(error);
    process.exit(1);
  });
