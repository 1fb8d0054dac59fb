-- counted
WITH used AS (
    SELECT w.period, t.person_key, t.kind,
           CASE WHEN t.end_date < w.last_day THEN t.end_date ELSE w.last_day END
               - CASE WHEN t.start_date > w.first_day THEN t.start_date ELSE w.first_day END + 1 AS days,
           CASE WHEN c.is_once THEN CASE WHEN t.start_date >= w.first_day THEN t.unit_cost ELSE 0 END END AS cost_once,
           t.unit_cost * CASE WHEN c.is_planned THEN t.units_per_week
                              ELSE c.per_week * coalesce(t.units_per_week, 1) END AS cost_a_week
    FROM measure_period AS w
    JOIN measure_support AS t ON t.start_date <= w.last_day AND (t.end_date IS NULL OR t.end_date >= w.first_day)
    LEFT JOIN cost_unit AS c ON c.cost_unit = coalesce(t.cost_unit, '')
), care AS (
    SELECT period, person_key, sum(days) AS care_days,
           sum(CAST(round(100 * coalesce(cost_once, cost_a_week * days / 7.0, 0)) AS BIGINT)) AS care_cost
    FROM used
    GROUP BY period, person_key
), kinds AS (
    SELECT DISTINCT period, person_key, kind FROM used
), stays AS (
    SELECT w.period, a.person_key,
           sum(CASE WHEN a.start_date >= w.first_day THEN 1 ELSE 0 END) AS admissions,
           sum(CASE WHEN a.start_date >= w.first_day THEN a.is_emergency ELSE 0 END) AS emergencies,
           sum(CASE WHEN a.end_date <= w.last_day THEN a.end_date ELSE w.last_day + 1 END
               - CASE WHEN a.start_date > w.first_day THEN a.start_date ELSE w.first_day END) AS bed_days
    FROM measure_period AS w
    JOIN measure_admission AS a ON a.start_date <= w.last_day AND (a.end_date IS NULL OR a.end_date >= w.first_day)
    GROUP BY w.period, a.person_key
), people AS (
    SELECT w.period, p.person_key, w.last_number - p.born AS age,
           coalesce(c.care_cost, 0) AS care_cost, coalesce(c.care_days, 0) AS care_days,
           coalesce(h.admissions, 0) AS admissions, coalesce(h.emergencies, 0) AS emergencies,
           coalesce(h.bed_days, 0) AS bed_days
    FROM measure_period AS w
    JOIN measure_person AS p ON p.is_registered = 1 AND p.born <= w.last_number
        AND (p.death_date IS NULL OR p.death_date >= w.first_day)
    LEFT JOIN care AS c ON c.period = w.period AND c.person_key = p.person_key
    LEFT JOIN stays AS h ON h.period = w.period AND h.person_key = p.person_key
), fitting AS (
    -- Every segment whose kinds of service the person had, or which asks for none.
    SELECT DISTINCT k.period, k.person_key, g.place
    FROM kinds AS k JOIN segment_kind AS g ON g.kind = k.kind
), placed AS (
    SELECT p.period, p.person_key, min(r.place) AS place
    FROM people AS p
    JOIN segment AS r ON p.age >= r.min_age * 10000 AND p.age < (r.max_age + 1) * 10000
        AND p.emergencies >= r.emergencies
    LEFT JOIN fitting AS f ON f.period = p.period AND f.person_key = p.person_key AND f.place = r.place
    WHERE r.asks_no_service OR f.place IS NOT NULL
    GROUP BY p.period, p.person_key
)
SELECT p.period, p.person_key, coalesce(r.segment, 'no segment') AS part, p.care_cost, p.care_days, p.admissions,
       p.emergencies, p.bed_days
FROM people AS p
LEFT JOIN placed AS d ON d.period = p.period AND d.person_key = p.person_key
LEFT JOIN segment AS r ON r.place = d.place;

-- left out
SELECT w.period, p.person_key, CASE WHEN p.is_registered = 0 THEN 'not linked' ELSE 'no date of birth' END AS reason
FROM measure_period AS w
JOIN measure_person AS p ON (p.is_registered = 0 OR p.born IS NULL)
    AND (p.death_date IS NULL OR p.death_date >= w.first_day);
