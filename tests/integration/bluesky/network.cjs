// A Bluesky of one's own: node network.cjs pds|full PDS_PORT, run in the folder its packages are installed in.
//
// pds: one personal data server with its login limits. full: with the AppView that counts likes, reposts, replies and followers,
// over $DB_POSTGRES_URL and $REDIS_HOST. Prints READY and, as JSON, the identity of the account `brand.test` and of its posts.
const path = require('node:path');
const { createRequire } = require('node:module');
const installed = createRequire(path.join(process.cwd(), 'package.json'));
const { TestNetwork, TestNetworkNoAppView } = installed('@atproto/dev-env');

const [kind, port] = [process.argv[2], Number(process.argv[3])];
const FANS = ['fan1', 'fan2', 'fan3'];
const POSTS = 55; // two pages of 50 as the kind asks for them

async function start() {
  const pds = { port, hostname: 'localhost', enableDidDocWithSession: true };
  if (kind === 'pds') return TestNetworkNoAppView.create({ pds: { ...pds, rateLimitsEnabled: true } });
  return TestNetwork.create({
    dbPostgresSchema: 'dev',
    pds,
    ozone: { chatUrl: 'http://localhost:1', chatDid: 'did:example:chat', dbMaterializedViewRefreshIntervalMs: 3600_000 },
  });
}

async function seed(network) {
  const client = network.getSeedClient();
  const people = kind === 'pds' ? ['brand'] : ['brand', ...FANS];
  for (const name of people) {
    await client.createAccount(name, { handle: `${name}.test`, email: `${name}@example.com`, password: process.env.PASSWORD });
  }
  const brand = client.dids.brand;
  if (kind === 'pds') return { did: brand };
  for (let number = 0; number < POSTS; number++) {
    const createdAt = new Date(Date.now() - (POSTS - number) * 3600_000).toISOString();
    await client.post(brand, `お茶の季節です ${number}`, undefined, undefined, undefined, { createdAt, langs: ['ja'] });
  }
  const posts = client.posts[brand];
  for (const [index, name] of FANS.entries()) {
    const fan = client.dids[name];
    await client.follow(fan, brand);
    for (let number = 0; number < POSTS; number += 10 * (index + 1)) await client.like(fan, posts[number].ref);
    await client.repost(fan, posts[POSTS - 1].ref);
    await client.reply(fan, posts[POSTS - 2].ref, posts[POSTS - 2].ref, 'おいしかったです');
    const text = '@brand.test 大好き';
    const facets = [{ index: { byteStart: 0, byteEnd: 11 }, features: [{ $type: 'app.bsky.richtext.facet#mention', did: brand }] }];
    await client.post(fan, text, facets);
  }
  await network.processAll();
  return { did: brand, fans: Object.fromEntries(FANS.map(name => [name, client.dids[name]])) };
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
