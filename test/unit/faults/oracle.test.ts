/** What the fault matrix holds against the order of the calls, whatever fails. */
import { expect, test } from '@jest/globals';
import { accessViolations } from '../../faults/oracle.ts';
import type { RecordedCall } from '../../faults/proxy/call-log.ts';

/** Calls in the order of their arrival: `function operation`, and where only its worker tells whose one is, `?`. */
const calls = (...lines: readonly string[]): RecordedCall[] =>
  lines.map((line, sequence) => {
    const [caller = '', operation = '', ...more] = line.split(' ');
    const service = operation.startsWith('dataloop') ? 'dataloop' : 'iam';
    return {
      sequence,
      time: '2026-11-27T00:00:00.000Z',
      function: caller,
      service,
      operation: [operation, ...more].join(' ').replace(' ?', ''),
      attributedBy: more.includes('?') ? 'worker' : 'scope',
      logicalCall: line,
      call: 1,
      attempt: 1,
      outcome: 'forwarded',
    };
  });
const asked = 'deleteDriver dataloop:DELETE /drivers/{id}';

test.each([
  ['an integration', ['deleteRole iam:GetRole', asked]],
  ['an added bucket', ['revokeAccess dynamodb:UpdateItem', asked]],
  ['what ends before anything is asked', ['deleteRole iam:GetRole', 'deletePolicy iam:DeletePolicy']],
  ['what asks nothing of Dataloop', ['deleteDriver dynamodb:UpdateItem', 'deleteRole iam:GetRole']],
  [
    'a log-in that may be another case’s',
    ['deleteDriver dataloop:POST /token ?', 'deleteRole iam:GetRole', asked],
  ],
])('access first: %s', (_what, lines) => {
  expect(accessViolations(calls(...lines))).toEqual([]);
});

test.each([
  ['Dataloop is asked first', [asked, 'deleteRole iam:GetRole']],
  ['the access is never reached for', ['createRole iam:CreateRole', asked]],
  [
    'an integration at Dataloop goes first',
    [asked.replace('deleteDriver', 'deleteIntegration'), 'revokeAccess iam:GetRole'],
  ],
])('is violated where %s', (_what, lines) => {
  expect(accessViolations(calls(...lines))).toEqual([
    expect.stringMatching(/^delete(Driver|Integration) asked Dataloop while Dataloop had access$/),
  ]);
});
