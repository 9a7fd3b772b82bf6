CREATE TABLE reading(station TEXT, day INTEGER, rain REAL, PRIMARY KEY(station, day)) WITHOUT ROWID;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999)
INSERT INTO reading SELECT printf('s%02d', i % 25), i / 25, round(((i * 7919) % 1013) / 13.0, 2) FROM n;
CREATE INDEX by_rain ON reading(rain);
.mode column
.headers on
SELECT station, count(*) AS days, round(sum(rain), 3) AS total, max(rain) AS most FROM reading
  GROUP BY station HAVING total > 7000 ORDER BY total DESC, station LIMIT 8;
SELECT day, rain, round(avg(rain) OVER (ORDER BY day ROWS 6 PRECEDING), 4) AS week FROM reading
  WHERE station = 's07' AND day BETWEEN 10 AND 20;
EXPLAIN QUERY PLAN SELECT * FROM reading WHERE rain > 77;
.mode csv
SELECT a.station, b.station, count(*) FROM reading a JOIN reading b ON a.day = b.day AND a.rain = b.rain AND a.station < b.station
  GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 5;
SELECT json_group_array(json_object('s', station, 'r', rain)) FROM (SELECT * FROM reading WHERE day = 3 ORDER BY station LIMIT 4);
SELECT upper('straße'), length('straße'), typeof(1/2.0), 1e22, 0.1 + 0.2, sqrt(2), substr('abcdef', -3, 2);
SELECT date('2026-02-28', '+1 day'), strftime('%j %W', '2026-11-26'), julianday('2026-01-01');
BEGIN; DELETE FROM reading WHERE rain < 40; SELECT count(*) FROM reading; ROLLBACK; SELECT count(*) FROM reading;
CREATE VIEW wet AS SELECT station, rain FROM reading WHERE rain > 77.5;
SELECT DISTINCT rain FROM wet ORDER BY rain;
INSERT OR IGNORE INTO reading VALUES('s00', 0, 1);
PRAGMA integrity_check;
