/** Whose call is it? */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { Attribution } from '../../faults/proxy/attribution.ts';

const integrationId = 'int_01M85CZQP0Y0YS5TZMSXQSHEJR';
const otherIntegrationId = 'int_01M85CZQP0Y0YS5TZMSXQSHEJS';
const dataloopId = '665f1c2e9b1d8a0012345678';
let attribution = new Attribution();
beforeEach(() => {
  attribution = new Attribution();
  attribution.open('f3k9x2');
  attribution.open('b7m4q1');
});

const asked = (url: string, body = '', pid?: number) =>
  attribution.attribute({ method: 'POST', url, headers: {}, body: Buffer.from(body) }, pid);
const answered = (scope: string, operation: string, body: unknown) =>
  attribution.learn(scope, operation, Buffer.from(JSON.stringify(body)));
const first = (by: string) => ({ scope: 'f3k9x2', by });

describe('a scope is found', () => {
  test('in the path', () => {
    expect(asked('/dataloop-f3k9x2?cors')).toEqual(first('scope'));
  });

  test('in the body', () => {
    expect(asked('/', '{"name":"case f3k9x2"}')).toEqual(first('scope'));
  });

  test('in a form, percent-encoded', () => {
    expect(asked('/', 'Action=CreateRole&RoleName=%66%33k9x%32&Rest=100%')).toEqual(first('scope'));
  });

  test('in a token in base64', () => {
    const token = Buffer.from('arn:aws:states:eu-west-1:1:execution:m:f3k9x2').toString('base64');
    expect(asked('/', JSON.stringify({ taskToken: token }))).toEqual(first('scope'));
  });

  test('by its longest name where one begins like another', () => {
    attribution.open('f3k9');
    expect(asked('/dataloop-f3k9x2')).toEqual(first('scope'));
    expect(asked('/dataloop-f3k9')).toEqual({ scope: 'f3k9', by: 'scope' });
  });

  test('only while it is open', () => {
    attribution.close('f3k9x2');
    expect(asked('/dataloop-f3k9x2')).toBeUndefined();
  });
});

describe('an integration is known', () => {
  test('once it was named together with its scope', () => {
    expect(asked('/', integrationId)).toBeUndefined();
    asked('/', `${integrationId} f3k9x2`);
    expect(asked('/', integrationId)).toEqual(first('integration'));
    expect(asked('/', otherIntegrationId)).toBeUndefined();
  });

  test('and so is a driver that was added to one', () => {
    const driverId = 'drv_01M85E1V7N3J2GQX0M5C9T8RWA';
    expect(asked('/', driverId)).toBeUndefined();
    asked('/', `${driverId} ${integrationId} f3k9x2`);
    expect(asked('/', driverId)).toEqual(first('integration'));
  });

  test('once it was registered', () => {
    attribution.registerIntegration('f3k9x2', integrationId);
    expect(asked('/', integrationId)).toEqual(first('integration'));
  });

  test('as the one it was first known as, even where it is in the way of another case', () => {
    asked('/', `${integrationId} f3k9x2`);
    expect(asked('/', `${integrationId} b7m4q1`)).toEqual({ scope: 'b7m4q1', by: 'scope' });
    expect(asked('/', integrationId)).toEqual(first('integration'));
  });

  test('by the latest id alone, where a request takes the place of an earlier one that is no case’s', () => {
    asked('/', `${otherIntegrationId} ${integrationId} f3k9x2`);
    expect(asked('/', otherIntegrationId)).toEqual(first('integration'));
    expect(asked('/', integrationId)).toBeUndefined();
  });

  test('as the latest, where a request of no scope names two of them', () => {
    attribution.registerIntegration('b7m4q1', integrationId);
    attribution.registerIntegration('f3k9x2', otherIntegrationId);
    expect(asked('/', `${integrationId} ${otherIntegrationId}`)).toEqual(first('integration'));
  });

  test('until its scope is closed', () => {
    attribution.registerIntegration('f3k9x2', integrationId);
    attribution.close('f3k9x2');
    attribution.open('f3k9x2');
    expect(asked('/', integrationId)).toBeUndefined();
  });
});

describe('an id of Dataloop is known', () => {
  test.each(['POST /orgs/{id}/integrations', 'PATCH /orgs/{id}/integrations', 'POST /drivers'])(
    'from the answer to %s',
    (operation) => {
      answered('f3k9x2', `dataloop:${operation}`, { id: dataloopId });
      expect(asked(`/api/v1/drivers/${dataloopId}`)).toEqual(first('dataloop-id'));
    },
  );

  test('but a project is nobody’s', () => {
    answered('f3k9x2', 'dataloop:GET /projects/{id}', { id: dataloopId });
    expect(asked(`/api/v1/projects/${dataloopId}`)).toBeUndefined();
  });

  test('and what is no JSON names none', () => {
    attribution.learn('f3k9x2', 'dataloop:POST /drivers', Buffer.from(`<id>${dataloopId}</id>`));
    expect(asked(`/api/v1/drivers/${dataloopId}`)).toBeUndefined();
  });
});

describe('a call that names nobody', () => {
  test('is that of the case its worker last worked for', () => {
    asked('/dataloop-f3k9x2', '', 100);
    asked('/dataloop-b7m4q1', '', 200);
    expect(asked('/', '{}', 100)).toEqual(first('worker'));
    expect(asked('/', '{}', 200)).toEqual({ scope: 'b7m4q1', by: 'worker' });
    asked('/dataloop-b7m4q1', '', 100);
    expect(asked('/', '{}', 100)).toEqual({ scope: 'b7m4q1', by: 'worker' });
  });

  test('is nobody’s where its worker is not known', () => {
    asked('/dataloop-f3k9x2', '', 100);
    expect(asked('/', '{}', 300)).toBeUndefined();
    expect(asked('/', '{}')).toBeUndefined();
  });

  test('is nobody’s once the case is closed', () => {
    asked('/dataloop-f3k9x2', '', 100);
    attribution.close('f3k9x2');
    expect(asked('/', '{}', 100)).toBeUndefined();
  });
});

test('what a worker does for an integration of no case is not taken for its case before', () => {
  asked('/', 'f3k9x2', 7);
  expect(asked('/drivers/1/test', '', 7)).toEqual(first('worker'));
  expect(asked('/', otherIntegrationId, 7)).toBeUndefined();
  expect(asked('/drivers/1/test', '', 7)).toBeUndefined();
  asked('/', 'f3k9x2', 7);
  expect(asked('/drivers/1/test', '', 7)).toEqual(first('worker'));
});
