/** The proxy's control server: plain HTTP on 127.0.0.1, the methods of FaultControl as routes. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import {
  type ControlAddress,
  controlRefusal,
  newControlToken,
} from '../../../local/sandbox/control-access.ts';
import type { FaultControl } from './fault-control.ts';
import { ruleSchema } from './faults.ts';

export interface ControlServer extends ControlAddress {
  close(): Promise<void>;
}

class NotFound extends Error {
  override readonly name = 'NotFound';
}

/** @param port 0: any that is free */
export async function startControl(control: FaultControl, port: number): Promise<ControlServer> {
  const controlToken = newControlToken();
  const server = createServer((request, response) => {
    const refusal = controlRefusal(request, controlToken);
    if (refusal) {
      response.writeHead(refusal.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ message: refusal.message }));
      return;
    }
    handle(control, request).then(
      (answer) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(answer ?? null));
      },
      (error: unknown) => {
        const status = error instanceof NotFound ? 404 : 400;
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ message: error instanceof Error ? error.message : String(error) }));
      },
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('The control server has no port.');
  return {
    controlUrl: `http://127.0.0.1:${address.port}`,
    controlToken,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function handle(control: FaultControl, request: IncomingMessage): Promise<unknown> {
  const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
  const [, area = '', name = '', part = '', item = ''] = pathname.split('/').map(decodeURIComponent);
  // The route, with what it names left out.
  const route = [request.method, area, name && ':', part, item && ':'].filter(Boolean).join(' ');
  switch (route) {
    case 'POST scopes :':
      return control.open(name);
    case 'DELETE scopes :':
      return control.close(name);
    case 'PUT scopes : integrations :':
      return control.registerIntegration(name, item);
    case 'POST scopes : rules': {
      const body = z.looseObject({}).parse(JSON.parse(await text(request)));
      return { id: await control.addRule(ruleSchema.parse({ ...body, scope: name })) };
    }
    case 'DELETE scopes : rules':
      return control.clearRules(name);
    case 'GET scopes : calls':
      return control.calls(name);
    case 'GET calls':
      return control.calls();
    case 'POST release :':
      return { released: await control.release(name) };
    case 'GET held':
      return control.held();
    case 'GET failures':
      return control.failures();
    default:
      throw new NotFound(`The control server has no ${request.method} ${pathname}`);
  }
}
