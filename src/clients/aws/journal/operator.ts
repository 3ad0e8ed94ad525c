/** What an operator says of an integration, in its record. */
import type { OperatorJournal } from '../../../domain/waiting/operator.ts';
import { now, recordReader, statusIn, updateRecord } from './record.ts';
import type { Table } from './table.ts';

export function operatorJournal(table: Table): OperatorJournal {
  return {
    ...recordReader(table),
    writeOperator: (integrationId, operator, before) => {
      const { condition, values } = statusIn(['provisioning']);
      return updateRecord(
        table,
        integrationId,
        `record what the operator sent for integration ${integrationId}`,
        {
          UpdateExpression: 'SET #operator = :operator, #updatedAt = :now',
          ConditionExpression: `${condition} AND ${
            before
              ? `#operator.#userArn = :userArn AND ${
                  before.given ? '#operator.#given.#id = :given' : 'attribute_not_exists(#operator.#given)'
                }`
              : 'attribute_not_exists(#operator)'
          }`,
          names: {
            '#operator': 'operator',
            '#status': 'status',
            '#updatedAt': 'updatedAt',
            ...(before ? { '#userArn': 'userArn', '#given': 'given' } : {}),
            ...(before?.given ? { '#id': 'dataloopIntegrationId' } : {}),
          },
          values: {
            ...values,
            ':operator': operator,
            ':now': now(),
            ...(before ? { ':userArn': before.userArn } : {}),
            ...(before?.given ? { ':given': before.given.dataloopIntegrationId } : {}),
          },
        },
      );
    },
  };
}
