/** The integrations that own something, as the plugins find them: by the index of the table, page by page. */
'use strict';

require('./typescript.cjs');
const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const { BatchGetCommand, DynamoDBDocumentClient, paginateQuery } = require('@aws-sdk/lib-dynamodb');
const { heldStatus } = require('../src/domain/model/stored-record.ts');

/**
 * Every status in which an integration owns resources, or may come to own some, each before those that follow it, so
 * that one that goes on meanwhile is found in the old or the new one.
 */
const onwards = ['provisioning', 'ready', 'rolling-back', 'residue', 'removing', 'residue'];

const ranges = {
  integrations: { ':from': 'int_', ':to': 'int_~' },
  /** With added buckets. */
  all: { ':from': 'drv_', ':to': 'int_~' },
};

/** Ids of a status, a page at a time. */
async function* idsOf(client, TableName, status, range, pageSize) {
  const query = {
    TableName,
    IndexName: 'byStatus',
    KeyConditionExpression: '#status = :status AND integrationId BETWEEN :from AND :to',
    ExpressionAttributeNames: { '#status': 'status' },
    ExpressionAttributeValues: { ':status': status, ...ranges[range] },
    ProjectionExpression: 'integrationId',
  };
  for await (const { Items = [] } of paginateQuery({ client, pageSize }, query)) {
    yield Items.map(({ integrationId }) => integrationId);
  }
}

/** Records as they are now, by their ids. */
async function recordsOf(client, TableName, ids) {
  const found = [];
  let keys = ids.map((id) => ({ pk: `integration#${id}` }));
  while (keys.length > 0) {
    const RequestItems = { [TableName]: { Keys: keys, ConsistentRead: true } };
    const { Responses, UnprocessedKeys } = await client.send(new BatchGetCommand({ RequestItems }));
    found.push(...(Responses?.[TableName] ?? []));
    keys = UnprocessedKeys?.[TableName]?.Keys ?? [];
  }
  return found;
}

/**
 * Items of the records that own something. First by their locks: a lock has one status from the registration on, so a
 * record that changes its own between two queries is found. Then by status: locks of an earlier version have none until
 * the sweep has filled them.
 * @param range `integrations`, or `all`
 * @param pageSize at most 100
 */
async function* standing(config, TableName, range, pageSize = 100) {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(config));
  const seen = new Set();
  for (const status of [heldStatus, ...onwards]) {
    for await (const page of idsOf(client, TableName, status, range, pageSize)) {
      const ids = [...new Set(page)].filter((id) => !seen.has(id));
      for (const id of ids) seen.add(id);
      const items = await recordsOf(client, TableName, ids);
      yield* items.filter((item) => onwards.includes(item.status));
    }
  }
}

module.exports = { standing };
