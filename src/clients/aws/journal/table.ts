/** The service's DynamoDB table and what all its items share. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { awsErrorCode, mapAwsError } from '../errors.ts';
import { clientSettings } from '../settings.ts';

export interface Table {
  readonly client: DynamoDBDocumentClient;
  readonly name: string;
}

export function journalTable(name: string): Table {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(clientSettings), {
    marshallOptions: { removeUndefinedValues: true },
  });
  return { client, name };
}

/** Deletes an item that a record holds; one that is gone, or belongs to another record, is left alone. */
export async function deleteOwnItem(
  table: Table,
  Key: { pk: string },
  recordId: string,
  what: string,
): Promise<void> {
  try {
    await table.client.send(
      new DeleteCommand({
        TableName: table.name,
        Key,
        ConditionExpression: 'attribute_not_exists(pk) OR integrationId = :id',
        ExpressionAttributeValues: { ':id': recordId },
      }),
    );
  } catch (error) {
    if (awsErrorCode(error) !== 'ConditionalCheckFailed') throw mapAwsError(error, what);
  }
}
