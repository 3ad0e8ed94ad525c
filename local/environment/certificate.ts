/** A certificate for 127.0.0.1 that serves as its own authority, made anew for each environment. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import tls from 'node:tls';
import { generate } from 'selfsigned';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

export async function makeCertificate(folder: string): Promise<Certificate> {
  // A name of its own: of two trusted ones with one name, the wrong one may be tried.
  const commonName = `dataloop-cross-account local ${randomBytes(8).toString('hex')}`;
  const made = await generate([{ name: 'commonName', value: commonName }], {
    keySize: 2048,
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + 30 * 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  const certificate = { certFile: join(folder, 'certificate.pem'), keyFile: join(folder, 'key.pem') };
  await writeFile(certificate.certFile, made.cert, { flag: 'wx' });
  await writeFile(certificate.keyFile, made.private, { mode: 0o600, flag: 'wx' });
  return certificate;
}

/** Makes this process trust a certificate, as `NODE_EXTRA_CA_CERTS` does for one that starts with it. */
export function trustCertificate(certFile: string): void {
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), readFileSync(certFile, 'utf8')]);
}
