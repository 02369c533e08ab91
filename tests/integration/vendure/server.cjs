// A Vendure shop wholly in memory: node server.cjs PORT, run in the folder its packages are installed in. Prints READY.
const path = require('node:path');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const installed = createRequire(path.join(process.cwd(), 'package.json'));
const { bootstrap, dummyPaymentHandler, DefaultLogger, LogLevel } = installed('@vendure/core');
const { populate } = installed('@vendure/core/cli');

const config = {
  apiOptions: { hostname: '127.0.0.1', port: Number(process.argv[2]), adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
  authOptions: {
    tokenMethod: ['bearer'],
    superadminCredentials: { identifier: 'superadmin', password: process.env.SHOP_PASSWORD },
    requireVerification: false,
  },
  dbConnectionOptions: { type: 'sqljs', synchronize: true, database: new Uint8Array([]), location: '', autoSave: false },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  logger: new DefaultLogger({ level: LogLevel.Warn }),
  plugins: [],
};

const initial = JSON.parse(fs.readFileSync(path.join(__dirname, 'initial.json')));
populate(() => bootstrap(config), initial, path.join(__dirname, 'products.csv'))
  .then(() => console.log('READY'))
  .catch(error => { console.error(error); process.exit(1); });
