PRAGMA application_id = 1397506885;
PRAGMA user_version = 3;
CREATE TABLE api_key(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL CHECK (name <> ''),
  tenant TEXT,
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  created_ms INTEGER NOT NULL,
  revoked_ms INTEGER
) STRICT;
CREATE TABLE attempt(
  job INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE,
  n INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  lease INTEGER NOT NULL,
  bound_pico INTEGER,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  PRIMARY KEY (job, n)
) STRICT, WITHOUT ROWID;
INSERT INTO "attempt" VALUES(1,1,'req_job_0',1,50000000000,1795641300000,NULL);
INSERT INTO "attempt" VALUES(2,1,'req_job_1',1,50000000000,1795641300000,NULL);
INSERT INTO "attempt" VALUES(3,1,'req_job_2',1,50000000000,1795641300000,NULL);
INSERT INTO "attempt" VALUES(4,1,'req_job_3',1,50000000000,1795641300000,NULL);
INSERT INTO "attempt" VALUES(5,1,'req_job_4',1,50000000000,1795641300000,NULL);
INSERT INTO "attempt" VALUES(6,1,'req_job_5',1,50000000000,1795641300000,NULL);
CREATE TABLE boot(
  epoch INTEGER PRIMARY KEY AUTOINCREMENT,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER
) STRICT;
INSERT INTO "boot" VALUES(1,1795641300000,NULL);
CREATE TABLE checkpoint(
  seq INTEGER PRIMARY KEY,
  hash BLOB NOT NULL,
  at_ms INTEGER NOT NULL,
  entries INTEGER NOT NULL,
  totals TEXT NOT NULL
) STRICT;
CREATE TABLE depth(
  lane INTEGER NOT NULL,
  state INTEGER NOT NULL,
  jobs INTEGER NOT NULL CHECK (jobs >= 0),
  PRIMARY KEY (lane, state)
) STRICT, WITHOUT ROWID;
INSERT INTO "depth" VALUES(1,0,1);
INSERT INTO "depth" VALUES(1,1,1);
INSERT INTO "depth" VALUES(1,2,4);
INSERT INTO "depth" VALUES(1,4,1);
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO "grdb_migrations" VALUES('1 boots, keys');
INSERT INTO "grdb_migrations" VALUES('2 ledger');
INSERT INTO "grdb_migrations" VALUES('3 jobs');
CREATE TABLE job(
  id INTEGER PRIMARY KEY,
  pub TEXT NOT NULL UNIQUE,
  request_id TEXT NOT NULL,
  kind INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
  lane INTEGER NOT NULL REFERENCES lane(id),
  rung INTEGER NOT NULL DEFAULT 0,
  batch_id TEXT,
  line INTEGER,
  custom_id TEXT,
  tenant TEXT NOT NULL,
  api_key TEXT,
  route TEXT NOT NULL,
  model TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  deadline_ms INTEGER,
  bucket_ms INTEGER NOT NULL,
  not_before_ms INTEGER NOT NULL,
  promote_at_ms INTEGER,
  promote_to TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  generation INTEGER NOT NULL DEFAULT 0,
  lease INTEGER NOT NULL DEFAULT 0,
  owner INTEGER REFERENCES boot(epoch),
  max_cost_pico INTEGER,
  estimated_cost_pico INTEGER,
  finished_ms INTEGER,
  result_status INTEGER,
  last_error TEXT,
  has_body INTEGER NOT NULL DEFAULT 1,
  has_result INTEGER NOT NULL DEFAULT 0,
  CHECK ((state > 3) = (finished_ms IS NOT NULL)),
  CHECK (state NOT IN (2, 3) OR owner IS NOT NULL)
) STRICT;
INSERT INTO "job" VALUES(1,'job_0','req_job_0',0,2,1,0,NULL,NULL,NULL,'default','ci','evals','chat',1795641300000,1795727700000,1795727700000,1795641300000,NULL,NULL,1,0,1,1,NULL,NULL,NULL,NULL,NULL,1,0);
INSERT INTO "job" VALUES(2,'job_1','req_job_1',0,2,1,0,NULL,NULL,NULL,'another','ci','evals','chat',1795641300000,1795727700000,1795727700000,1795641300000,NULL,NULL,1,0,1,1,NULL,NULL,NULL,NULL,NULL,1,0);
INSERT INTO "job" VALUES(3,'job_2','req_job_2',0,0,1,0,NULL,NULL,NULL,'default','ci','evals','chat',1795641300000,1795727700000,1795727700000,1795644900000,NULL,NULL,1,0,1,NULL,NULL,NULL,NULL,NULL,NULL,1,0);
INSERT INTO "job" VALUES(4,'job_3','req_job_3',0,4,1,0,NULL,NULL,NULL,'default','ci','evals','chat',1795641300000,1795727700000,1795727700000,1795641300000,NULL,NULL,1,0,1,NULL,NULL,NULL,1795641305000,200,NULL,1,1);
INSERT INTO "job" VALUES(5,'job_4','req_job_4',0,2,1,0,NULL,NULL,NULL,'default','ci','evals','chat',1795641300000,1795727700000,1795727700000,1795641300000,NULL,NULL,1,0,1,1,NULL,NULL,NULL,NULL,NULL,1,0);
INSERT INTO "job" VALUES(6,'job_5','req_job_5',0,2,1,0,NULL,NULL,NULL,'default','ci','evals','chat',1795641300000,1795727700000,1795727700000,1795641300000,NULL,NULL,1,0,1,1,NULL,NULL,NULL,NULL,NULL,1,0);
INSERT INTO "job" VALUES(17,'job_16','req_job_16',0,1,1,0,NULL,NULL,NULL,'default','ci','evals','chat',1795641300000,1795727700000,1795727700000,1795641300000,NULL,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,1,0);
CREATE TABLE job_body(
  job INTEGER PRIMARY KEY REFERENCES job(id) ON DELETE CASCADE,
  request TEXT NOT NULL,
  client_request_id TEXT,
  fields BLOB NOT NULL,
  body BLOB NOT NULL
) STRICT;
INSERT INTO "job_body" VALUES(1,'{"endpoint":"chat","tenant":"default","key":"ci","model":"chat","stream":0,"wants_usage":0,"max_tokens":60,"choices":1,"prompt_bytes":0,"input_tokens":0,"has_media":0,"prefix":0,"headers":{},"tags":{"job":"eval"},"service_tier":null,"consent":"respond-async","consent_wait_ms":10000,"wish_class":null,"wish_first_token_ms":null,"wish_total_ms":null,"wish_plain_budget_ms":null,"wish_max_cost":null,"wish_read_timeout_ms":null}','mine-1',X'7472616365706172656E743A2030302D310D0A',X'7B226D65737361676573223A2263616C6C2030227D');
INSERT INTO "job_body" VALUES(2,'{"endpoint":"chat","tenant":"default","key":"ci","model":"chat","stream":0,"wants_usage":0,"max_tokens":60,"choices":1,"prompt_bytes":0,"input_tokens":0,"has_media":0,"prefix":0,"headers":{},"tags":{"job":"eval"},"service_tier":null,"consent":"respond-async","consent_wait_ms":10000,"wish_class":null,"wish_first_token_ms":null,"wish_total_ms":null,"wish_plain_budget_ms":null,"wish_max_cost":null,"wish_read_timeout_ms":null}','mine-1',X'7472616365706172656E743A2030302D310D0A',X'7B226D65737361676573223A2263616C6C2031227D');
INSERT INTO "job_body" VALUES(3,'{"endpoint":"chat","tenant":"default","key":"ci","model":"chat","stream":0,"wants_usage":0,"max_tokens":60,"choices":1,"prompt_bytes":0,"input_tokens":0,"has_media":0,"prefix":0,"headers":{},"tags":{"job":"eval"},"service_tier":null,"consent":"respond-async","consent_wait_ms":10000,"wish_class":null,"wish_first_token_ms":null,"wish_total_ms":null,"wish_plain_budget_ms":null,"wish_max_cost":null,"wish_read_timeout_ms":null}','mine-1',X'7472616365706172656E743A2030302D310D0A',X'7B226D65737361676573223A2263616C6C2032227D');
INSERT INTO "job_body" VALUES(4,'{"endpoint":"chat","tenant":"default","key":"ci","model":"chat","stream":0,"wants_usage":0,"max_tokens":60,"choices":1,"prompt_bytes":0,"input_tokens":0,"has_media":0,"prefix":0,"headers":{},"tags":{"job":"eval"},"service_tier":null,"consent":"respond-async","consent_wait_ms":10000,"wish_class":null,"wish_first_token_ms":null,"wish_total_ms":null,"wish_plain_budget_ms":null,"wish_max_cost":null,"wish_read_timeout_ms":null}','mine-1',X'7472616365706172656E743A2030302D310D0A',X'7B226D65737361676573223A2263616C6C2033227D');
INSERT INTO "job_body" VALUES(5,'{"endpoint":"chat","tenant":"default","key":"ci","model":"chat","stream":0,"wants_usage":0,"max_tokens":60,"choices":1,"prompt_bytes":0,"input_tokens":0,"has_media":0,"prefix":0,"headers":{},"tags":{"job":"eval"},"service_tier":null,"consent":"respond-async","consent_wait_ms":10000,"wish_class":null,"wish_first_token_ms":null,"wish_total_ms":null,"wish_plain_budget_ms":null,"wish_max_cost":null,"wish_read_timeout_ms":null}','mine-1',X'7472616365706172656E743A2030302D310D0A',X'7B226D65737361676573223A2263616C6C2034227D');
INSERT INTO "job_body" VALUES(6,'{"endpoint":"chat","tenant":"default","key":"ci","model":"chat","stream":0,"wants_usage":0,"max_tokens":60,"choices":1,"prompt_bytes":0,"input_tokens":0,"has_media":0,"prefix":0,"headers":{},"tags":{"job":"eval"},"service_tier":null,"consent":"respond-async","consent_wait_ms":10000,"wish_class":null,"wish_first_token_ms":null,"wish_total_ms":null,"wish_plain_budget_ms":null,"wish_max_cost":null,"wish_read_timeout_ms":null}','mine-1',X'7472616365706172656E743A2030302D310D0A',X'7B226D65737361676573223A2263616C6C2035227D');
INSERT INTO "job_body" VALUES(17,'{"endpoint":"chat","tenant":"default","key":"ci","model":"chat","stream":0,"wants_usage":0,"max_tokens":60,"choices":1,"prompt_bytes":0,"input_tokens":0,"has_media":0,"prefix":0,"headers":{},"tags":{"job":"eval"},"service_tier":null,"consent":"respond-async","consent_wait_ms":10000,"wish_class":null,"wish_first_token_ms":null,"wish_total_ms":null,"wish_plain_budget_ms":null,"wish_max_cost":null,"wish_read_timeout_ms":null}','mine-1',X'7472616365706172656E743A2030302D310D0A',X'7B226D65737361676573223A2263616C6C203136227D');
CREATE TABLE job_result(
  job INTEGER PRIMARY KEY REFERENCES job(id) ON DELETE CASCADE,
  status INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;
INSERT INTO "job_result" VALUES(4,200,'application/json',X'7B226F66223A226A6F625F33227D');
CREATE TABLE lane(
  id INTEGER PRIMARY KEY,
  class TEXT NOT NULL,
  sent_model TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  rung INTEGER NOT NULL,
  UNIQUE (class, sent_model, endpoint, rung)
) STRICT;
INSERT INTO "lane" VALUES(1,'batch','chat','chat',0);
CREATE TABLE ledger(
  seq INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  request_id TEXT,
  attempt INTEGER,
  part INTEGER,
  line TEXT NOT NULL,
  hash BLOB NOT NULL
) STRICT;
INSERT INTO "ledger" VALUES(1,1795641300000,'req_live_0',1,1,'{"schema":"sluice.ledger/v1","seq":1,"kind":"settled","at":"2026-11-25T21:15:00.000Z","request_id":"req_live_0","attempt":1,"job_id":null,"batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":"gpt-large-2026-05-01","serve":"now","tier_requested":null,"tier_served":"default","policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":{"input":"2.5","output":"10"},"usage":{"input":60,"cached_input":40,"output":20,"reasoning":3},"cost":"0.00276","cost_low":"0.00276","cost_high":"0.00276","baseline":"0.004","currency":"USD","outcome":"ok","status":200,"flags":[],"provider_cost":null,"evidence":"computed","queued_ms":null,"first_token_ms":312,"total_ms":1840,"upstream_id":"chatcmpl-req_live_0-1","levers":{"model":"0.00124"},"corrects":null,"prev_hash":"0000000000000000000000000000000000000000000000000000000000000000","hash":"66198e76e387be841c663b7c495135a690ac975754e1f0b5e4834e6d1490bbba"}',X'66198E76E387BE841C663B7C495135A690AC975754E1F0B5E4834E6D1490BBBA');
INSERT INTO "ledger" VALUES(2,1795641300000,'req_live_1',1,1,'{"schema":"sluice.ledger/v1","seq":2,"kind":"settled","at":"2026-11-25T21:15:00.000Z","request_id":"req_live_1","attempt":1,"job_id":null,"batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":"gpt-large-2026-05-01","serve":"now","tier_requested":null,"tier_served":"default","policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":{"input":"2.5","output":"10"},"usage":{"input":60,"cached_input":40,"output":20,"reasoning":3},"cost":"0.00276","cost_low":"0.00276","cost_high":"0.00276","baseline":"0.004","currency":"USD","outcome":"ok","status":200,"flags":[],"provider_cost":null,"evidence":"computed","queued_ms":null,"first_token_ms":312,"total_ms":1840,"upstream_id":"chatcmpl-req_live_1-1","levers":{"model":"0.00124"},"corrects":null,"prev_hash":"66198e76e387be841c663b7c495135a690ac975754e1f0b5e4834e6d1490bbba","hash":"6affb12b8eb90a8b71e4d4a0933bca24405cdf2743be2c1afc0c677d1a0898e7"}',X'6AFFB12B8EB90A8B71E4D4A0933BCA24405CDF2743BE2C1AFC0C677D1A0898E7');
INSERT INTO "ledger" VALUES(3,1795641300000,'req_live_2',1,1,'{"schema":"sluice.ledger/v1","seq":3,"kind":"settled","at":"2026-11-25T21:15:00.000Z","request_id":"req_live_2","attempt":1,"job_id":null,"batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":"gpt-large-2026-05-01","serve":"now","tier_requested":null,"tier_served":"default","policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":{"input":"2.5","output":"10"},"usage":{"input":60,"cached_input":40,"output":20,"reasoning":3},"cost":"0.00276","cost_low":"0.00276","cost_high":"0.00276","baseline":"0.004","currency":"USD","outcome":"ok","status":200,"flags":[],"provider_cost":null,"evidence":"computed","queued_ms":null,"first_token_ms":312,"total_ms":1840,"upstream_id":"chatcmpl-req_live_2-1","levers":{"model":"0.00124"},"corrects":null,"prev_hash":"6affb12b8eb90a8b71e4d4a0933bca24405cdf2743be2c1afc0c677d1a0898e7","hash":"b39d936537be526b0bc0f1ae6fa36692a886e3502b9a5f027e8e7644e154b3e4"}',X'B39D936537BE526B0BC0F1AE6FA36692A886E3502B9A5F027E8E7644E154B3E4');
INSERT INTO "ledger" VALUES(4,1795641300000,'req_live_3',1,1,'{"schema":"sluice.ledger/v1","seq":4,"kind":"settled","at":"2026-11-25T21:15:00.000Z","request_id":"req_live_3","attempt":1,"job_id":null,"batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":"gpt-large-2026-05-01","serve":"now","tier_requested":null,"tier_served":"default","policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":{"input":"2.5","output":"10"},"usage":{"input":60,"cached_input":40,"output":20,"reasoning":3},"cost":"0.00276","cost_low":"0.00276","cost_high":"0.00276","baseline":"0.004","currency":"USD","outcome":"ok","status":200,"flags":[],"provider_cost":null,"evidence":"computed","queued_ms":null,"first_token_ms":312,"total_ms":1840,"upstream_id":"chatcmpl-req_live_3-1","levers":{"model":"0.00124"},"corrects":null,"prev_hash":"b39d936537be526b0bc0f1ae6fa36692a886e3502b9a5f027e8e7644e154b3e4","hash":"173a79aeb4f39a4591f9df28edf216079fceaa8acfe4b518b07ed60b256451fd"}',X'173A79AEB4F39A4591F9DF28EDF216079FCEAA8ACFE4B518B07ED60B256451FD');
INSERT INTO "ledger" VALUES(5,1795641300000,'req_live_4',1,1,'{"schema":"sluice.ledger/v1","seq":5,"kind":"settled","at":"2026-11-25T21:15:00.000Z","request_id":"req_live_4","attempt":1,"job_id":null,"batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":"gpt-large-2026-05-01","serve":"now","tier_requested":null,"tier_served":"default","policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":{"input":"2.5","output":"10"},"usage":{"input":60,"cached_input":40,"output":20,"reasoning":3},"cost":"0.00276","cost_low":"0.00276","cost_high":"0.00276","baseline":"0.004","currency":"USD","outcome":"ok","status":200,"flags":[],"provider_cost":null,"evidence":"computed","queued_ms":null,"first_token_ms":312,"total_ms":1840,"upstream_id":"chatcmpl-req_live_4-1","levers":{"model":"0.00124"},"corrects":null,"prev_hash":"173a79aeb4f39a4591f9df28edf216079fceaa8acfe4b518b07ed60b256451fd","hash":"0ec5d1b69304435882a097b301c76cd0c2c74e047e95fc9eb87d1ed45ac29f2f"}',X'0EC5D1B69304435882A097B301C76CD0C2C74E047E95FC9EB87D1ED45AC29F2F');
INSERT INTO "ledger" VALUES(6,1795641300000,'req_live_5',1,1,'{"schema":"sluice.ledger/v1","seq":6,"kind":"settled","at":"2026-11-25T21:15:00.000Z","request_id":"req_live_5","attempt":1,"job_id":null,"batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":"gpt-large-2026-05-01","serve":"now","tier_requested":null,"tier_served":"default","policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":{"input":"2.5","output":"10"},"usage":{"input":60,"cached_input":40,"output":20,"reasoning":3},"cost":"0.00276","cost_low":"0.00276","cost_high":"0.00276","baseline":"0.004","currency":"USD","outcome":"ok","status":200,"flags":[],"provider_cost":null,"evidence":"computed","queued_ms":null,"first_token_ms":312,"total_ms":1840,"upstream_id":"chatcmpl-req_live_5-1","levers":{"model":"0.00124"},"corrects":null,"prev_hash":"0ec5d1b69304435882a097b301c76cd0c2c74e047e95fc9eb87d1ed45ac29f2f","hash":"7012da291be9750887dcd03b59b238cfd18ff220617cc23c6c4fd3b1b4cd7136"}',X'7012DA291BE9750887DCD03B59B238CFD18FF220617CC23C6C4FD3B1B4CD7136');
INSERT INTO "ledger" VALUES(7,1795641300000,'req_live_6',1,1,'{"schema":"sluice.ledger/v1","seq":7,"kind":"settled","at":"2026-11-25T21:15:00.000Z","request_id":"req_live_6","attempt":1,"job_id":null,"batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":"gpt-large-2026-05-01","serve":"now","tier_requested":null,"tier_served":"default","policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":{"input":"2.5","output":"10"},"usage":{"input":60,"cached_input":40,"output":20,"reasoning":3},"cost":"0.00276","cost_low":"0.00276","cost_high":"0.00276","baseline":"0.004","currency":"USD","outcome":"ok","status":200,"flags":[],"provider_cost":null,"evidence":"computed","queued_ms":null,"first_token_ms":312,"total_ms":1840,"upstream_id":"chatcmpl-req_live_6-1","levers":{"model":"0.00124"},"corrects":null,"prev_hash":"7012da291be9750887dcd03b59b238cfd18ff220617cc23c6c4fd3b1b4cd7136","hash":"20548f953ae413c3113cc69324ee98c432c670394b6f5acdd49120aba2523c05"}',X'20548F953AE413C3113CC69324EE98C432C670394B6F5ACDD49120ABA2523C05');
INSERT INTO "ledger" VALUES(8,1795641300000,'req_live_7',1,1,'{"schema":"sluice.ledger/v1","seq":8,"kind":"settled","at":"2026-11-25T21:15:00.000Z","request_id":"req_live_7","attempt":1,"job_id":null,"batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":"gpt-large-2026-05-01","serve":"now","tier_requested":null,"tier_served":"default","policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":{"input":"2.5","output":"10"},"usage":{"input":60,"cached_input":40,"output":20,"reasoning":3},"cost":"0.00276","cost_low":"0.00276","cost_high":"0.00276","baseline":"0.004","currency":"USD","outcome":"ok","status":200,"flags":[],"provider_cost":null,"evidence":"computed","queued_ms":null,"first_token_ms":312,"total_ms":1840,"upstream_id":"chatcmpl-req_live_7-1","levers":{"model":"0.00124"},"corrects":null,"prev_hash":"20548f953ae413c3113cc69324ee98c432c670394b6f5acdd49120aba2523c05","hash":"0c3c58e3710cd7a9aecb6c9f3fa67fc3f091284841eb1acefd8e2c620b96e1f1"}',X'0C3C58E3710CD7A9AECB6C9F3FA67FC3F091284841EB1ACEFD8E2C620B96E1F1');
INSERT INTO "ledger" VALUES(9,1795641300000,'req_live_8',1,1,'{"schema":"sluice.ledger/v1","seq":9,"kind":"settled","at":"2026-11-25T21:15:00.000Z","request_id":"req_live_8","attempt":1,"job_id":null,"batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":"gpt-large-2026-05-01","serve":"now","tier_requested":null,"tier_served":"default","policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":{"input":"2.5","output":"10"},"usage":{"input":60,"cached_input":40,"output":20,"reasoning":3},"cost":"0.00276","cost_low":"0.00276","cost_high":"0.00276","baseline":"0.004","currency":"USD","outcome":"ok","status":200,"flags":[],"provider_cost":null,"evidence":"computed","queued_ms":null,"first_token_ms":312,"total_ms":1840,"upstream_id":"chatcmpl-req_live_8-1","levers":{"model":"0.00124"},"corrects":null,"prev_hash":"0c3c58e3710cd7a9aecb6c9f3fa67fc3f091284841eb1acefd8e2c620b96e1f1","hash":"aae1358fe24dba4086a5df7a40e5bacb2fb07d4b5b1f6acda7744427df795e2b"}',X'AAE1358FE24DBA4086A5DF7A40E5BACB2FB07D4B5B1F6ACDA7744427DF795E2B');
INSERT INTO "ledger" VALUES(10,1795641300000,'req_job_0',1,0,'{"schema":"sluice.ledger/v1","seq":10,"kind":"intent","at":"2026-11-25T21:15:00.000Z","request_id":"req_job_0","attempt":1,"job_id":"job_0","batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":null,"serve":"later","tier_requested":null,"tier_served":null,"policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":null,"usage":null,"cost":null,"cost_low":null,"cost_high":null,"baseline":null,"currency":"USD","outcome":null,"status":null,"flags":[],"provider_cost":null,"evidence":null,"queued_ms":null,"first_token_ms":null,"total_ms":null,"upstream_id":null,"levers":null,"corrects":null,"prev_hash":"aae1358fe24dba4086a5df7a40e5bacb2fb07d4b5b1f6acda7744427df795e2b","hash":"1e0771a86a8d2c0d221162cecb57ce60ce21013fda54ac066daa69c132331955"}',X'1E0771A86A8D2C0D221162CECB57CE60CE21013FDA54AC066DAA69C132331955');
INSERT INTO "ledger" VALUES(11,1795641300000,'req_job_1',1,0,'{"schema":"sluice.ledger/v1","seq":11,"kind":"intent","at":"2026-11-25T21:15:00.000Z","request_id":"req_job_1","attempt":1,"job_id":"job_1","batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":null,"serve":"later","tier_requested":null,"tier_served":null,"policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":null,"usage":null,"cost":null,"cost_low":null,"cost_high":null,"baseline":null,"currency":"USD","outcome":null,"status":null,"flags":[],"provider_cost":null,"evidence":null,"queued_ms":null,"first_token_ms":null,"total_ms":null,"upstream_id":null,"levers":null,"corrects":null,"prev_hash":"1e0771a86a8d2c0d221162cecb57ce60ce21013fda54ac066daa69c132331955","hash":"a999a517f7589b2c8d792bce956cefd3f8975d9897b76bca0e03e147e6709cf6"}',X'A999A517F7589B2C8D792BCE956CEFD3F8975D9897B76BCA0E03E147E6709CF6');
INSERT INTO "ledger" VALUES(12,1795641300000,'req_job_2',1,0,'{"schema":"sluice.ledger/v1","seq":12,"kind":"intent","at":"2026-11-25T21:15:00.000Z","request_id":"req_job_2","attempt":1,"job_id":"job_2","batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":null,"serve":"later","tier_requested":null,"tier_served":null,"policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":null,"usage":null,"cost":null,"cost_low":null,"cost_high":null,"baseline":null,"currency":"USD","outcome":null,"status":null,"flags":[],"provider_cost":null,"evidence":null,"queued_ms":null,"first_token_ms":null,"total_ms":null,"upstream_id":null,"levers":null,"corrects":null,"prev_hash":"a999a517f7589b2c8d792bce956cefd3f8975d9897b76bca0e03e147e6709cf6","hash":"1f9448cc3eac2b3d8fc5a66f8cb5eaed476f8bd5e66373680c3eb24101f3a4ac"}',X'1F9448CC3EAC2B3D8FC5A66F8CB5EAED476F8BD5E66373680C3EB24101F3A4AC');
INSERT INTO "ledger" VALUES(13,1795641300000,'req_job_3',1,0,'{"schema":"sluice.ledger/v1","seq":13,"kind":"intent","at":"2026-11-25T21:15:00.000Z","request_id":"req_job_3","attempt":1,"job_id":"job_3","batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":null,"serve":"later","tier_requested":null,"tier_served":null,"policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":null,"usage":null,"cost":null,"cost_low":null,"cost_high":null,"baseline":null,"currency":"USD","outcome":null,"status":null,"flags":[],"provider_cost":null,"evidence":null,"queued_ms":null,"first_token_ms":null,"total_ms":null,"upstream_id":null,"levers":null,"corrects":null,"prev_hash":"1f9448cc3eac2b3d8fc5a66f8cb5eaed476f8bd5e66373680c3eb24101f3a4ac","hash":"1dc799112f6cd304f85e84c108d546b42656750209b0bd863fa50d10cd2e5f92"}',X'1DC799112F6CD304F85E84C108D546B42656750209B0BD863FA50D10CD2E5F92');
INSERT INTO "ledger" VALUES(14,1795641300000,'req_job_4',1,0,'{"schema":"sluice.ledger/v1","seq":14,"kind":"intent","at":"2026-11-25T21:15:00.000Z","request_id":"req_job_4","attempt":1,"job_id":"job_4","batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":null,"serve":"later","tier_requested":null,"tier_served":null,"policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":null,"usage":null,"cost":null,"cost_low":null,"cost_high":null,"baseline":null,"currency":"USD","outcome":null,"status":null,"flags":[],"provider_cost":null,"evidence":null,"queued_ms":null,"first_token_ms":null,"total_ms":null,"upstream_id":null,"levers":null,"corrects":null,"prev_hash":"1dc799112f6cd304f85e84c108d546b42656750209b0bd863fa50d10cd2e5f92","hash":"d3228cd1ebf552b3353af10de667fe133fa6a822436e6842bb8f9bed9994820c"}',X'D3228CD1EBF552B3353AF10DE667FE133FA6A822436E6842BB8F9BED9994820C');
INSERT INTO "ledger" VALUES(15,1795641300000,'req_job_5',1,0,'{"schema":"sluice.ledger/v1","seq":15,"kind":"intent","at":"2026-11-25T21:15:00.000Z","request_id":"req_job_5","attempt":1,"job_id":"job_5","batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":null,"serve":"later","tier_requested":null,"tier_served":null,"policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":null,"usage":null,"cost":null,"cost_low":null,"cost_high":null,"baseline":null,"currency":"USD","outcome":null,"status":null,"flags":[],"provider_cost":null,"evidence":null,"queued_ms":null,"first_token_ms":null,"total_ms":null,"upstream_id":null,"levers":null,"corrects":null,"prev_hash":"d3228cd1ebf552b3353af10de667fe133fa6a822436e6842bb8f9bed9994820c","hash":"6aa33f3c8912b55c42245e665a06fc2220baa2e1bf36aa09d5a6b97b0586cdf8"}',X'6AA33F3C8912B55C42245E665A06FC2220BAA2E1BF36AA09D5A6B97B0586CDF8');
INSERT INTO "ledger" VALUES(16,1795641300000,'req_job_6',1,0,'{"schema":"sluice.ledger/v1","seq":16,"kind":"intent","at":"2026-11-25T21:15:00.000Z","request_id":"req_job_6","attempt":1,"job_id":"job_6","batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":null,"serve":"later","tier_requested":null,"tier_served":null,"policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":null,"usage":null,"cost":null,"cost_low":null,"cost_high":null,"baseline":null,"currency":"USD","outcome":null,"status":null,"flags":[],"provider_cost":null,"evidence":null,"queued_ms":null,"first_token_ms":null,"total_ms":null,"upstream_id":null,"levers":null,"corrects":null,"prev_hash":"6aa33f3c8912b55c42245e665a06fc2220baa2e1bf36aa09d5a6b97b0586cdf8","hash":"51fc309106e45bbe874d792b4ae5cfbf24d099a4be06f427d3f6abd501daf43d"}',X'51FC309106E45BBE874D792B4AE5CFBF24D099A4BE06F427D3F6ABD501DAF43D');
INSERT INTO "ledger" VALUES(17,1795641300000,'req_job_7',1,0,'{"schema":"sluice.ledger/v1","seq":17,"kind":"intent","at":"2026-11-25T21:15:00.000Z","request_id":"req_job_7","attempt":1,"job_id":"job_7","batch_id":null,"custom_id":null,"tenant":"default","key":"ci","class":"live","route":"routes[0]","pool":"premium","backend":"premium","model":"chat","backend_model":"gpt-large","model_served":null,"serve":"later","tier_requested":null,"tier_served":null,"policy":"9f3c1a","rate_card":"a1b2c3d4","estimate":"0.004","tags":{},"client_request_id":null,"unit_prices":null,"usage":null,"cost":null,"cost_low":null,"cost_high":null,"baseline":null,"currency":"USD","outcome":null,"status":null,"flags":[],"provider_cost":null,"evidence":null,"queued_ms":null,"first_token_ms":null,"total_ms":null,"upstream_id":null,"levers":null,"corrects":null,"prev_hash":"51fc309106e45bbe874d792b4ae5cfbf24d099a4be06f427d3f6abd501daf43d","hash":"3166bf395cbb860693d38a2274681a126cfff4e644d96b5e7585ac9fa0278ec3"}',X'3166BF395CBB860693D38A2274681A126CFFF4E644D96B5E7585AC9FA0278EC3');
CREATE TABLE ledger_hour(
  hour_ms INTEGER PRIMARY KEY,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  entries INTEGER NOT NULL
) STRICT;
INSERT INTO "ledger_hour" VALUES(1795640400000,1,17,17);
CREATE TABLE rollup(
  by_tag INTEGER NOT NULL,
  hour_ms INTEGER NOT NULL,
  tag TEXT NOT NULL,
  currency TEXT NOT NULL,
  tenant TEXT NOT NULL,
  api_key TEXT NOT NULL,
  class TEXT NOT NULL,
  route TEXT NOT NULL,
  backend TEXT NOT NULL,
  model TEXT NOT NULL,
  measures TEXT NOT NULL,
  PRIMARY KEY (by_tag, hour_ms, tag, currency, tenant, api_key, class, route, backend, model)
) STRICT, WITHOUT ROWID;
INSERT INTO "rollup" VALUES(0,1795640400000,'','USD','default','ci','live','routes[0]','premium','chat','{"requests":9,"attempts":9,"usage":{"input":540,"cached_input":360,"output":180,"reasoning":27},"cost":"0.02484","cost_baselined":"0.02484","cost_low":"0.02484","cost_high":"0.02484","baseline":"0.036","lever_model":"0.01116","evidence":{"computed":9}}');
CREATE UNIQUE INDEX api_key_name ON api_key(name) WHERE revoked_ms IS NULL;
CREATE UNIQUE INDEX ledger_attempt ON ledger(request_id, attempt, part);
CREATE TRIGGER ledger_is_append_only_update BEFORE UPDATE ON ledger BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;
CREATE TRIGGER ledger_is_append_only_delete BEFORE DELETE ON ledger BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;
CREATE TRIGGER checkpoint_is_append_only_update BEFORE UPDATE ON checkpoint BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;
CREATE TRIGGER checkpoint_is_append_only_delete BEFORE DELETE ON checkpoint BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only');
END;
CREATE INDEX job_ready ON job(lane, bucket_ms, id) WHERE state = 1;
CREATE INDEX job_held ON job(not_before_ms) WHERE state = 0;
CREATE INDEX job_promotion ON job(promote_at_ms) WHERE state < 2 AND rung = 0 AND promote_at_ms IS NOT NULL;
CREATE INDEX job_due ON job(deadline_ms) WHERE state < 4 AND deadline_ms IS NOT NULL;
CREATE INDEX job_running ON job(owner) WHERE state IN (2, 3);
CREATE INDEX job_open ON job(lane, state, id) WHERE finished_ms IS NULL;
CREATE INDEX job_list ON job(tenant, state, id);
CREATE INDEX job_bodies ON job(finished_ms) WHERE state > 3 AND has_body = 1;
CREATE INDEX job_results ON job(finished_ms) WHERE state > 3 AND has_result = 1;
CREATE INDEX attempt_open ON attempt(job) WHERE ended_ms IS NULL;
CREATE TRIGGER job_is_counted AFTER INSERT ON job BEGIN
  INSERT INTO depth VALUES (NEW.lane, NEW.state, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER job_is_counted_off AFTER DELETE ON job BEGIN
  UPDATE depth SET jobs = jobs - 1 WHERE lane = OLD.lane AND state = OLD.state;
END;
CREATE TRIGGER job_is_counted_over AFTER UPDATE OF state, lane ON job WHEN OLD.state <> NEW.state OR OLD.lane <> NEW.lane BEGIN
  UPDATE depth SET jobs = jobs - 1 WHERE lane = OLD.lane AND state = OLD.state;
  INSERT INTO depth VALUES (NEW.lane, NEW.state, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('boot',1);
