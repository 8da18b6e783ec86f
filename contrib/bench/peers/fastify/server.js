'use strict'

const cluster = require('node:cluster')
const fs = require('node:fs')
const { STATUS_CODES } = require('node:http')
const os = require('node:os')
const fastify = require('fastify')
const memjs = require('memjs')
const pg = require('pg')

const { PORT, SOCKET, MEMCACHED_SOCKET, MEMCACHED_TCP } = process.env
const WORKERS = Number(process.env.WORKERS) || os.availableParallelism()

// To PostgreSQL, of each worker: all of them stay below its usual limit of 100.
const CONNECTIONS = Math.max(1, Math.min(8, Math.floor(80 / WORKERS)))

const CACHED_SECONDS = 3600

// --- PostgreSQL -------------------------------------------------------------

// Ids are far from 2^53, so they can be numbers rather than strings.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

// The rest of where and how to connect is in PGHOST, PGOPTIONS and so on.
const pool = new pg.Pool({ max: CONNECTIONS, idleTimeoutMillis: 0 })

// The pool replaces a connection that is lost.
pool.on('error', error => console.error(`fastify: ${error.message}`))

// A name makes it a prepared statement of the connection.
const statement = (name, text) => values => pool.query({ name, text, values })

const addParticipant = statement('add_participant', `
  INSERT INTO participant (name) VALUES ($1) RETURNING id`)

const findParticipant = statement('find_participant', `
  SELECT id, name FROM participant WHERE id = $1`)

const befriend = statement('befriend', `
  INSERT INTO friendship (participant_id, friend_id)
  VALUES ($1, $2), ($2, $1) ON CONFLICT DO NOTHING`)

const post = statement('post', `
  WITH post AS (
    INSERT INTO outbound (participant_id, subject, story)
    VALUES ($1, $2, $3) RETURNING id, occurred
  ), delivery AS (
    INSERT INTO inbound (participant_id, outbound_id)
    SELECT friend_id, post.id FROM post, friendship WHERE participant_id = $1
    RETURNING participant_id
  )
  SELECT id, occurred, array(SELECT participant_id FROM delivery) AS readers
  FROM post`)

const findInbound = statement('find_inbound', `
  SELECT o.id, o.participant_id, o.occurred, o.subject, o.story
  FROM inbound i JOIN outbound o ON o.id = i.outbound_id
  WHERE i.participant_id = $1 ORDER BY i.outbound_id DESC LIMIT 50`)

const search = statement('search', `
  SELECT participant_id
  FROM outbound, websearch_to_tsquery('simple', $1) words
  WHERE document @@ words GROUP BY participant_id
  ORDER BY max(ts_rank(document, words)) DESC, participant_id DESC LIMIT 50`)

// --- memcached --------------------------------------------------------------

// memjs hands its port to net.connect(), which takes a socket's path as well.
const [host, port] = MEMCACHED_SOCKET
  ? ['', MEMCACHED_SOCKET]
  : (MEMCACHED_TCP ?? '127.0.0.1:11211').split(':')

// The usual timeout of 0.5 s is soon over on a busy machine.
const cache = new memjs.Client([
  new memjs.Server(host, port, '', '', { timeout: 5 })
])

const inboundKey = id => `fastify:inbound:${id}`

// --- schemas ----------------------------------------------------------------

const object = properties => ({
  type: 'object',
  required: Object.keys(properties),
  properties
})

const text = maxLength => ({ type: 'string', minLength: 1, maxLength })
const id = { type: 'integer' }
const link = { type: 'string' }
const name = text(100)
const subject = text(200)
const story = text(20000)
const occurred = { type: 'string', format: 'date-time' }

const params = object({ id: { type: 'string', pattern: '^[1-9]\\d{0,18}$' } })
const reference = {
  anyOf: [
    { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    { type: 'string', pattern: '^(/participant/)?[1-9]\\d{0,18}$' }
  ]
}

const participant = object({ id, name, link })
const friendship = object({ id, from: link, to: link })
const item = { occurred, subject, story, link }
const sent = object({ id, from: link, ...item })
const received = object({ id, from: link, to: link, ...item })

// --- the service ------------------------------------------------------------

const participantLink = id => `/participant/${id}`
const outboundLink = (id, item) => `/participant/${id}/outbound/${item}`

const routes = async app => {
  app.post('/participant', {
    schema: { body: object({ name }), response: { 200: participant } }
  }, async request => {
    const { name } = request.body
    const { rows: [{ id }] } = await addParticipant([name])
    return { id, name, link: participantLink(id) }
  })

  app.get('/participant/:id', {
    schema: { params, response: { 200: participant } }
  }, async (request, reply) => {
    const { rows: [found] } = await findParticipant([request.params.id])
    if (!found) return reply.callNotFound()
    return { ...found, link: participantLink(found.id) }
  })

  app.post('/participant/:id/friends', {
    schema: {
      params,
      body: object({ to: reference }),
      response: { 200: friendship }
    }
  }, async request => {
    const { id } = request.params
    const to = String(request.body.to).replace('/participant/', '')
    await befriend([id, to])
    return { id: to, from: participantLink(id), to: participantLink(to) }
  })

  app.post('/participant/:id/outbound', {
    schema: {
      params,
      body: object({ subject, story }),
      response: { 200: sent }
    }
  }, async request => {
    const author = request.params.id
    const { subject, story } = request.body
    const { rows: [item] } = await post([author, subject, story])
    await Promise.all(item.readers.map(id => cache.delete(inboundKey(id))))
    return {
      id: item.id,
      from: participantLink(author),
      occurred: item.occurred,
      subject,
      story,
      link: outboundLink(author, item.id)
    }
  })

  app.get('/participant/:id/inbound', {
    schema: { params, response: { 200: { type: 'array', items: received } } }
  }, async (request, reply) => {
    const reader = request.params.id
    const key = inboundKey(reader)
    reply.type('application/json; charset=utf-8')
    const { value: cached } = await cache.get(key)
    if (cached) return cached

    const { rows } = await findInbound([reader])
    if (rows.length === 0) {
      const { rowCount } = await findParticipant([reader])
      if (rowCount === 0) return reply.callNotFound()
    }
    const to = participantLink(reader)
    const feed = reply.serialize(rows.map(item => ({
      id: item.id,
      from: participantLink(item.participant_id),
      to,
      occurred: item.occurred,
      subject: item.subject,
      story: item.story,
      link: outboundLink(item.participant_id, item.id)
    })))
    await cache.set(key, feed, { expires: CACHED_SECONDS })
    return feed
  })

  app.get('/outbound', {
    schema: {
      querystring: object({ keywords: text(500) }),
      response: { 200: { type: 'array', items: link } }
    }
  }, async request => {
    const { rows } = await search([request.query.keywords])
    return rows.map(row => participantLink(row.participant_id))
  })
}

// What PostgreSQL refuses: a participant that is not there (or whose id is
// beyond a bigint), and text with a zero byte.
const refusals = { 23503: 404, '22003': 404, '22021': 400 }

const answerError = (error, request, reply) => {
  const status = error.validationContext === 'params'
    ? 404
    : refusals[error.code] ?? error.statusCode ?? 500
  if (status === 500) console.error(error)
  reply.code(status).send({ statusCode: status, error: STATUS_CODES[status] })
}

// A number is not to pass for a string.
const options = {
  bodyLimit: 128 * 1024,
  ajv: { customOptions: { coerceTypes: false } }
}

const listen = address => fastify(options)
  .setErrorHandler(answerError)
  .register(routes)
  .listen(address)

// --- processes --------------------------------------------------------------

const die = error => {
  console.error(`fastify: ${error.message}`)
  process.exit(1)
}

const startWorker = async () => {
  await pool.query('SELECT 1')
  await cache.get('fastify')
  if (PORT) await listen({ host: '127.0.0.1', port: Number(PORT) })
  if (SOCKET) {
    await listen({ path: SOCKET, readableAll: true, writableAll: true })
  }
}

// Workers end with the first process, and it ends with the first of them.
const startAll = () => {
  if (!PORT && !SOCKET) die(new Error('neither PORT nor SOCKET is set'))
  if (SOCKET) fs.rmSync(SOCKET, { force: true })
  process.on('SIGTERM', () => process.exit())
  cluster.on('exit', () => {
    process.exitCode = 1
    for (const worker of Object.values(cluster.workers)) worker.process.kill()
  })
  for (let i = 0; i < WORKERS; i++) cluster.fork()
}

if (cluster.isPrimary) startAll()
else startWorker().catch(die)
