import { createServer } from 'node:http';

const day = new Date(Date.UTC(2024, 11, 24));

/** Answers by path; each loads its modules when it is asked for the first time. */
const pages = {
  '/': () => `hello from node ${process.version} ${process.arch}\n`,
  '/intl'() {
    const date = new Intl.DateTimeFormat('de', { dateStyle: 'full', timeZone: 'UTC' }).format(day);
    const price = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' }).format(1234.5);
    const names = ['Zebra', 'Äpfel', 'Apfel'].sort(new Intl.Collator('de').compare);
    return `${date}\n${price}\n${names.join(' ')}\n`;
  },
  async '/crypto'() {
    const { createHash, randomBytes } = await import('node:crypto');
    const { gzipSync, brotliCompressSync } = await import('node:zlib');
    const bytes = randomBytes(1024);
    const digest = createHash('sha256').update(bytes).digest('hex');
    return `${digest} ${gzipSync(bytes).length} ${brotliCompressSync(bytes).length}\n`;
  },
  async '/names'() {
    const { lookup } = await import('node:dns/promises');
    return `${(await lookup('localhost')).address}\n`;
  },
  async '/tls'() {
    const { createSecureContext, rootCertificates } = await import('node:tls');
    createSecureContext();
    return `${rootCertificates.length} certificates\n`;
  },
};

createServer(async (request, response) => {
  const page = pages[request.url];
  if (page === undefined) response.statusCode = 404;
  try {
    response.end((await page?.()) ?? 'no such page\n');
  } catch (error) {
    response.statusCode = 500;
    response.end(`${error}\n`);
  }
}).listen(8080, () => console.log('listening on port 8080'));
