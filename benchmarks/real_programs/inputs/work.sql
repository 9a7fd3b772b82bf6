CREATE TABLE sale(id INTEGER PRIMARY KEY, shop INTEGER, item TEXT, day INTEGER, amount REAL);
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 59999)
INSERT INTO sale SELECT i, i * 7919 % 40, printf('item %03d', i * 104729 % 500), i / 200, (i * 7907 % 10007) / 16.0 FROM n;
CREATE INDEX by_item ON sale(item, day);
CREATE TABLE shop(id INTEGER PRIMARY KEY, town TEXT);
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 39)
INSERT INTO shop SELECT i, 'town ' || (i * 31 % 11) FROM n;
SELECT town, count(*), round(sum(amount), 3), max(amount) FROM sale JOIN shop ON shop.id = sale.shop GROUP BY town ORDER BY 3 DESC;
SELECT item, day, amount, round(avg(amount) OVER (PARTITION BY item ORDER BY day, id ROWS 4 PRECEDING), 3)
  FROM sale WHERE item IN ('item 007', 'item 123') AND day % 50 = 3 ORDER BY item, day, id LIMIT 20;
SELECT a.day, count(*) FROM sale a JOIN sale b ON a.item = b.item AND a.day = b.day - 5 WHERE a.amount > b.amount
  GROUP BY a.day ORDER BY 2 DESC, 1 LIMIT 5;
UPDATE sale SET amount = amount * 1.5 WHERE day BETWEEN 100 AND 200 AND shop % 3 = 1;
DELETE FROM sale WHERE item LIKE '%9' AND amount < 100;
SELECT count(*), round(sum(amount), 4), count(DISTINCT item), group_concat(DISTINCT shop % 7) FROM sale;
SELECT upper(substr(item, 6)), length(replace(group_concat(item), '0', '')) FROM sale GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5;
WITH RECURSIVE path(i, x) AS (SELECT 0, 1.0 UNION ALL SELECT i + 1, x * 1.0001 + i % 3 FROM path WHERE i < 150000)
SELECT round(max(x), 3), sum(i & 255), count(DISTINCT round(x)) FROM path;
SELECT json_extract(json_group_array(json_object('id', id, 'item', item)), '$[41].item') FROM (SELECT id, item FROM sale ORDER BY id LIMIT 3000);
