import { hash } from 'node:crypto';
import type { ShopContent } from './stage.ts';

/**
 * The same shop in a file: relations, a full-text index, generated columns, JSON, pictures, a table without row ids, AUTOINCREMENT, a
 * view, a trigger. The rows are made from their numbers, so every shop is the same.
 */
export const sqliteShop: ShopContent = {
  accidents: [
    { sql: 'DELETE FROM orders', told: 'a DELETE without its WHERE takes every order' },
    { sql: 'DROP TABLE reviews', told: 'a migration drops the wrong table' },
    { sql: 'UPDATE products SET price = 0', told: 'an import sets all prices to 0' },
  ],
  facts: [
    { name: 'orders', sql: `SELECT printf('%,d', count(*)) FROM orders` },
    {
      name: 'revenue',
      sql: `SELECT printf('%,.2f', sum(quantity * unit_price) / 100.0) FROM order_lines HAVING count(*) > 0`,
    },
    {
      name: 'newest order',
      sql: `SELECT '#' || id || ' of ' || substr(placed_at, 1, 16) FROM orders ORDER BY id DESC LIMIT 1`,
    },
    {
      name: 'dearest',
      sql: `SELECT name || printf(' at %.2f', price / 100.0) FROM products ORDER BY price DESC, id LIMIT 1`,
    },
    { name: 'reviews', sql: `SELECT printf('%,d, %.2f stars', count(*), avg(stars)) FROM reviews` },
    { name: 'photos', sql: `SELECT printf('%d, %,d bytes', count(*), sum(length(photo))) FROM product_photos` },
  ],
  rowCount: `SELECT ${[
    'categories',
    'products',
    'product_photos',
    'warehouses',
    'stock',
    'customers',
    'orders',
    'order_lines',
    'payments',
    'reviews',
  ]
    .map((table) => `(SELECT count(*) FROM ${table})`)
    .join(' + ')}`,
  fill: async (run) => {
    await run(structure);
    for (const rows of content) await run(rows);
    await run(rules);
  },
};

/** A number that looks drawn by lot and depends on nothing but its place. Whole, which SQLite sees by its type. */
export function lot(place: unknown, draw: unknown, below: unknown): bigint {
  return BigInt(Number.parseInt(hash('md5', `${String(place)}.${String(draw)}`).slice(0, 7), 16) % Number(below));
}

const structure = `
PRAGMA journal_mode = WAL;
CREATE TABLE categories (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES categories, name TEXT NOT NULL);
CREATE TABLE products (
  id INTEGER PRIMARY KEY,
  category_id INTEGER NOT NULL REFERENCES categories,
  sku TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  price INTEGER NOT NULL CHECK (price >= 0),
  price_with_tax INTEGER GENERATED ALWAYS AS (price * 119 / 100) STORED,
  tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags)),
  details TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(details))
);
CREATE TABLE product_photos (product_id INTEGER NOT NULL REFERENCES products, title TEXT NOT NULL, photo BLOB NOT NULL);
CREATE TABLE warehouses (id INTEGER PRIMARY KEY, city TEXT NOT NULL);
CREATE TABLE stock (
  warehouse_id INTEGER NOT NULL REFERENCES warehouses,
  product_id INTEGER NOT NULL REFERENCES products,
  pieces INTEGER NOT NULL,
  PRIMARY KEY (warehouse_id, product_id)
) WITHOUT ROWID;
CREATE TABLE customers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  address TEXT NOT NULL,
  since TEXT NOT NULL
);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  customer_id INTEGER NOT NULL REFERENCES customers,
  placed_at TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('placed', 'paid', 'sent', 'delivered', 'returned')),
  note TEXT
);
CREATE TABLE order_lines (
  order_id INTEGER NOT NULL REFERENCES orders ON DELETE CASCADE,
  line INTEGER NOT NULL,
  product_id INTEGER NOT NULL REFERENCES products,
  quantity INTEGER NOT NULL,
  unit_price INTEGER NOT NULL,
  PRIMARY KEY (order_id, line)
) WITHOUT ROWID;
CREATE TABLE payments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id INTEGER NOT NULL REFERENCES orders ON DELETE CASCADE,
  amount INTEGER NOT NULL,
  method TEXT NOT NULL,
  answer TEXT
);
CREATE TABLE reviews (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  product_id INTEGER NOT NULL REFERENCES products,
  customer_id INTEGER NOT NULL REFERENCES customers,
  stars INTEGER NOT NULL,
  text TEXT
);
INSERT INTO sqlite_sequence VALUES ('orders', 100000);
`;

const numbers = (last: number) =>
  `(WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${last}) SELECT n FROM numbers)`;

/** One of these words, by lot. */
const word = (draw: number, words: readonly string[]) =>
  `json_extract('${JSON.stringify(words).replaceAll("'", "''")}', '$[' || lot(n, ${draw}, ${words.length}) || ']')`;

const content = [
  `INSERT INTO categories (id, parent_id, name)
   SELECT n, CASE WHEN n > 8 THEN lot(n, 1, 8) + 1 END,
     json_extract('["Garden","Kitchen","Tools","Light","Paper","Games","Cloth","Stone"]', '$[' || ((n - 1) % 8) || ']') || ' ' || ((n - 1) / 8)
   FROM ${numbers(64)}`,
  `INSERT INTO products (category_id, sku, name, price, tags, details)
   SELECT lot(n, 1, 64) + 1, printf('P-%05d', n),
     ${word(2, ['Small', 'Large', 'Round', 'Quiet', 'Bright', 'Heavy', 'Folding', 'Old'])} || ' '
       || ${word(3, ['lamp', 'chair', 'kettle', 'saw', 'notebook', 'rug', 'vase', 'clock', 'knife'])} || ' no. ' || n,
     lot(n, 4, 24900) + 100,
     ${word(5, ['["new"]', '["sale","last pieces"]', '["gift"]', '[]'])},
     json_object('grams', lot(n, 6, 9000) + 10, 'colour', ${word(7, ['red', 'blue', 'grün', 'weiß'])}, 'parts', json_array(lot(n, 8, 99), hex(n)))
   FROM ${numbers(2500)}`,
  `INSERT INTO product_photos SELECT n * 50, 'Photo ' || n, CAST(printf('%.32000c', char(64 + n % 26)) || n AS BLOB) FROM ${numbers(40)}`,
  `INSERT INTO warehouses (city) VALUES ('Hamburg'), ('Kraków'), ('Lyon'), ('Göteborg')`,
  `INSERT INTO stock SELECT w.id, p.id, lot(p.id, 20 + w.id, 400) FROM warehouses w, products p`,
  `INSERT INTO customers (email, name, address, since)
   SELECT 'customer' || n || '@example.com',
     ${word(1, ['Ada', 'Björn', 'Chloé', 'Dmitri', 'Elif', 'Fatima', 'Günther', 'Hana'])} || ' '
       || ${word(2, ["O'Neill", 'Müller', 'da Silva', '王', 'Łukasik', 'Smith', 'Öztürk'])},
     json_object('street', 'Street ' || lot(n, 3, 300), 'zip', printf('%05d', lot(n, 4, 99999)), 'city', 'City ' || lot(n, 5, 200)),
     datetime('2024-01-01', '+' || lot(n, 6, 700) || ' days')
   FROM ${numbers(10_000)}`,
  `INSERT INTO orders (customer_id, placed_at, state, note)
   SELECT lot(n, 1, 10000) + 1, datetime('2024-01-02 08:00', '+' || (n * 34) || ' minutes'),
     ${word(2, ['placed', 'paid', 'sent', 'delivered', 'returned'])},
     CASE WHEN lot(n, 3, 10) = 0 THEN 'ring twice;' || char(10) || '"second" floor -- please' END
   FROM ${numbers(42_000)}`,
  `INSERT INTO order_lines
   SELECT o.id, l.n, p.id, lot(o.id, 30 + l.n, 4) + 1, p.price
   FROM orders o JOIN ${numbers(3)} l ON l.n <= 1 + o.id % 3 JOIN products p ON p.id = lot(o.id, 40 + l.n, 2500) + 1`,
  `INSERT INTO payments (order_id, amount, method, answer)
   SELECT order_id, sum(quantity * unit_price), json_extract('["card","transfer","cash"]', '$[' || (order_id % 3) || ']'),
     json_object('code', hex(order_id), 'ok', json('true'))
   FROM order_lines WHERE order_id % 20 <> 0 GROUP BY order_id ORDER BY order_id`,
  `INSERT INTO reviews (product_id, customer_id, stars, text)
   SELECT lot(n, 1, 2500) + 1, lot(n, 2, 10000) + 1, lot(n, 3, 5) + 1,
     replace(printf('%.*c', lot(n, 4, 12), '.'), '.', 'It does what it should. ') || 'Review ' || n
   FROM ${numbers(12_000)}`,
];

const rules = `
CREATE INDEX orders_of_customer ON orders (customer_id);
CREATE INDEX lines_of_product ON order_lines (product_id);
CREATE INDEX payments_of_order ON payments (order_id);
CREATE VIRTUAL TABLE product_search USING fts5 (name, content = products, content_rowid = id);
INSERT INTO product_search (product_search) VALUES ('rebuild');
CREATE TRIGGER keep_note_short AFTER UPDATE OF note ON orders WHEN length(new.note) > 500
  BEGIN UPDATE orders SET note = substr(new.note, 1, 500) WHERE id = new.id; END;
CREATE VIEW best_sellers AS
  SELECT p.id, p.name, sum(l.quantity) AS sold FROM products p JOIN order_lines l ON l.product_id = p.id GROUP BY p.id;
`;
