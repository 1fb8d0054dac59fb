-- counted
WITH reablement AS (
    SELECT DISTINCT person_key, start_date, coalesce(end_date, DATE '9999-12-31') AS end_date
    FROM measure_support WHERE kind = 'reablement'
), ordered AS (
    SELECT person_key, start_date,
           max(end_date) OVER (PARTITION BY person_key ORDER BY start_date, end_date
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM reablement
), begun AS (
    -- Services with a gap of a week or less are one stretch of reablement.
    SELECT person_key, start_date FROM ordered WHERE before IS NULL OR start_date - before > 7
), discharged AS (
    SELECT b.person_key, b.start_date, max(a.end_date) AS discharge
    FROM begun AS b
    JOIN measure_admission AS a ON a.person_key = b.person_key
        AND a.end_date BETWEEN b.start_date - 7 AND b.start_date + 3 AND a.start_date < a.end_date
        AND coalesce(a.admission_method, '') NOT IN ('31', '32', '82', '83')
        AND coalesce(a.discharge_method, '') NOT IN ('4', '5')
        AND coalesce(a.discharge_destination, '') NOT IN ('49', '50', '51', '52', '79', '87', '88')
    GROUP BY b.person_key, b.start_date
), cohort AS (
    SELECT w.period, d.person_key, min(d.discharge) AS discharge
    FROM measure_period AS w
    JOIN discharged AS d ON d.discharge BETWEEN w.first_day AND w.last_day
    JOIN measure_person AS p ON p.person_key = d.person_key
    CROSS JOIN setting AS s
    WHERE p.is_client = 1 AND p.is_registered = 1
        AND CAST(extract(year FROM d.discharge) * 10000 + extract(month FROM d.discharge) * 100
            + extract(day FROM d.discharge) AS INTEGER) - p.born >= s.min_age * 10000
        AND extract(month FROM d.discharge) BETWEEN s.first_month AND s.last_month
        AND NOT EXISTS (
            SELECT 1 FROM measure_support AS t
            WHERE t.person_key = d.person_key AND t.kind IN ('residential', 'nursing', 'prison')
                AND t.start_date <= d.discharge AND (t.end_date IS NULL OR t.end_date >= d.discharge))
    GROUP BY w.period, d.person_key
)
SELECT c.period, c.person_key, 'All' AS part, CASE
           WHEN c.discharge + s.days > s.known_until THEN NULL
           WHEN (p.death_date IS NULL OR p.death_date > c.discharge + s.days)
               AND NOT EXISTS (
                   SELECT 1 FROM measure_support AS t
                   WHERE t.person_key = c.person_key AND t.kind IN ('residential', 'nursing', 'prison')
                       AND t.start_date <= c.discharge + s.days
                       AND (t.end_date IS NULL OR t.end_date >= c.discharge + s.days))
               AND NOT EXISTS (
                   SELECT 1 FROM measure_admission AS a
                   WHERE a.person_key = c.person_key AND a.start_date <= c.discharge + s.days
                       AND a.start_date >= c.discharge AND (a.end_date IS NULL OR a.end_date > c.discharge + s.days))
       THEN 1 ELSE 0 END AS at_home
FROM cohort AS c
JOIN measure_person AS p ON p.person_key = c.person_key
CROSS JOIN setting AS s;

-- left out
SELECT DISTINCT w.period, t.person_key, CASE WHEN p.born IS NULL THEN 'no date of birth' ELSE 'not linked' END AS reason
FROM measure_period AS w
JOIN measure_support AS t ON t.kind = 'reablement' AND t.start_date BETWEEN w.first_day AND w.last_day
JOIN measure_person AS p ON p.person_key = t.person_key
CROSS JOIN setting AS s
WHERE p.born IS NULL OR (p.is_registered = 0
    AND CAST(extract(year FROM t.start_date) * 10000 + extract(month FROM t.start_date) * 100
        + extract(day FROM t.start_date) AS INTEGER) - p.born >= s.min_age * 10000);
