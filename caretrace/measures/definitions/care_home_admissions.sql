-- counted
WITH care AS (
    SELECT person_key, start_date, end_date, is_self_funded
    FROM measure_support WHERE kind IN ('residential', 'nursing')
), admitted AS (
    SELECT w.period, c.person_key, min(c.start_date) AS start_date
    FROM measure_period AS w
    JOIN care AS c ON c.start_date BETWEEN w.first_day AND w.last_day AND NOT c.is_self_funded
    CROSS JOIN setting AS s
    WHERE NOT EXISTS (
        SELECT 1 FROM care AS e
        WHERE e.person_key = c.person_key AND e.start_date < c.start_date
            AND (e.end_date IS NULL OR e.end_date > c.start_date - s.gap_days))
    GROUP BY w.period, c.person_key
), aged AS (
    SELECT w.period, p.person_key, CASE WHEN a.person_key IS NULL THEN 0 ELSE 1 END AS admitted,
           CASE WHEN a.start_date IS NULL THEN w.last_number
                ELSE CAST(extract(year FROM a.start_date) * 10000 + extract(month FROM a.start_date) * 100
                    + extract(day FROM a.start_date) AS INTEGER) END - p.born AS age
    FROM measure_period AS w
    JOIN measure_person AS p ON p.born IS NOT NULL AND (p.death_date IS NULL OR p.death_date >= w.first_day)
    LEFT JOIN admitted AS a ON a.period = w.period AND a.person_key = p.person_key
)
SELECT period, person_key, CASE WHEN age >= 650000 THEN '65 and over' ELSE '18 to 64' END AS part, admitted
FROM aged
WHERE age >= 180000;

-- left out
SELECT w.period, p.person_key, 'no date of birth' AS reason
FROM measure_period AS w
JOIN measure_person AS p ON p.born IS NULL AND (p.death_date IS NULL OR p.death_date >= w.first_day);
